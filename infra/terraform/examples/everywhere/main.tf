locals {
  # One file of settings for all three, as it is in both packages and in the checkout.
  config = try(file("${var.directory}/any2api.toml"), "")
  named  = flatten(regexall("secret://([A-Za-z0-9_][A-Za-z0-9_.-]*)", local.config))

  # Without a setting for them, the callers' keys are in API_MASTER_KEY.
  keys         = length(regexall("(?m)^\\s*keys\\s*=", local.config)) > 0 ? [] : ["API_MASTER_KEY"]
  secret_names = toset(concat(local.keys, local.named))
}

module "aws" {
  source = "../../modules/aws_lambda"

  name            = var.name
  package         = "${var.directory}/dist/any2api-aws-arm64.zip"
  secret_names    = local.secret_names
  secret_values   = var.secret_values
  secrets_version = var.secrets_version
}

module "gcp" {
  source = "../../modules/gcp_function"

  project         = var.project
  name            = var.name
  package         = "${var.directory}/dist/any2api-gcp.zip"
  secret_names    = local.secret_names
  secret_values   = var.secret_values
  secrets_version = var.secrets_version
}

module "vercel" {
  source = "../../modules/vercel_project"

  name            = var.name
  directory       = var.directory
  secret_names    = local.secret_names
  secret_values   = var.secret_values
  secrets_version = var.secrets_version
}
