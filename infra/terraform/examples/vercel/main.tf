locals {
  config = try(file("${var.directory}/any2api.toml"), "")
  named  = flatten(regexall("secret://([A-Za-z0-9_][A-Za-z0-9_.-]*)", local.config))

  # Without a setting for them, the callers' keys are in API_MASTER_KEY.
  keys         = length(regexall("(?m)^\\s*keys\\s*=", local.config)) > 0 ? [] : ["API_MASTER_KEY"]
  secret_names = toset(concat(local.keys, local.named))
}

# The gateway on Vercel. See docs/deploy/vercel.md.
module "any2api" {
  source = "../../modules/vercel_project"

  name            = var.name
  team_id         = var.team_id
  directory       = var.directory
  secret_names    = local.secret_names
  secret_values   = var.secret_values
  secrets_version = var.secrets_version
}
