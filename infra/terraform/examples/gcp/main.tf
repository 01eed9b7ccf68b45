locals {
  config = try(file(var.config), "")
  named  = flatten(regexall("secret://([A-Za-z0-9_][A-Za-z0-9_.-]*)", local.config))

  # Without a setting for them, the callers' keys are in API_MASTER_KEY.
  keys         = length(regexall("(?m)^\\s*keys\\s*=", local.config)) > 0 ? [] : ["API_MASTER_KEY"]
  secret_names = toset(concat(local.keys, local.named))
}

# The gateway on Google Cloud Functions. See docs/deploy/gcp.md.
module "any2api" {
  source = "../../modules/gcp_function"

  project       = var.project
  region        = var.region
  name          = var.name
  package       = var.package
  max_instances = var.max_instances
  secret_names  = local.secret_names
  labels        = { project = var.name }
}
