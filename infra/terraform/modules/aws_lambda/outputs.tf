output "base_url" {
  description = "What an SDK of OpenAI takes as its base URL."
  value       = "${trimsuffix(aws_lambda_function_url.this.function_url, "/")}/v1"
}

output "function_name" {
  description = "The name of the function."
  value       = aws_lambda_function.this.function_name
}

output "log_group_name" {
  description = "Where the logs are in CloudWatch."
  value       = aws_cloudwatch_log_group.this.name
}

output "role_name" {
  description = "The function's role, for further permissions, such as a table for state or a key of your own."
  value       = aws_iam_role.this.name
}

output "secrets_url" {
  description = "Where the secrets are, for `any2api secrets --store`."
  value       = local.secrets_url
}

output "secrets_to_set" {
  description = "The secrets to set out of band, by name."
  value       = var.secrets_version > 0 ? [] : sort(var.secret_names)
}
