output "base_url" {
  description = "What an SDK of OpenAI takes as its base URL."
  value       = module.any2api.base_url
}

output "secrets_url" {
  description = "Where the secrets are: export it as SECRETS_URL for `any2api secrets`."
  value       = module.any2api.secrets_url
}
