output "base_url" {
  description = "What an SDK of OpenAI takes as its base URL."
  value       = "${google_cloudfunctions2_function.this.service_config[0].uri}/v1"
}

output "function_name" {
  description = "The name of the function, and of the Cloud Run service that it is."
  value       = google_cloudfunctions2_function.this.name
}

output "secrets_url" {
  description = "Where the secrets are, for `any2api secrets --store`."
  value       = local.secrets_url
}

output "service_account_email" {
  description = "The function's account, for further permissions, such as a database for state."
  value       = google_service_account.function.email
}
