output "base_url" {
  description = "What an SDK of OpenAI takes as its base URL."
  value       = module.any2api.base_url
}
