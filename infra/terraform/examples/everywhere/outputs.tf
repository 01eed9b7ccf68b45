output "base_urls" {
  description = "What an SDK of OpenAI takes as its base URL, on each of the three."
  value = {
    aws    = module.aws.base_url
    gcp    = module.gcp.base_url
    vercel = module.vercel.base_url
  }
}
