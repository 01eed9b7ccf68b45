locals {
  # The shortest of the deployment's domains is the project's own; the others are behind Vercel's login page.
  by_length = sort([for domain in vercel_deployment.this.domains : format("%03d%s", length(domain), domain)])
}

output "base_url" {
  description = "What an SDK of OpenAI takes as its base URL: at the project's own domain, where there is no login page."
  value       = "https://${substr(local.by_length[0], 3, -1)}/v1"
}

output "project_id" {
  description = "The project's id, for a domain of your own."
  value       = vercel_project.this.id
}
