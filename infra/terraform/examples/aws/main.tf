locals {
  config = try(file(var.config), "")
  named  = flatten(regexall("secret://([A-Za-z0-9_][A-Za-z0-9_.-]*)", local.config))

  # Without a setting for them, the callers' keys are in API_MASTER_KEY.
  keys         = length(regexall("(?m)^\\s*keys\\s*=", local.config)) > 0 ? [] : ["API_MASTER_KEY"]
  secret_names = toset(concat(local.keys, local.named))
}

# The gateway on AWS Lambda behind a public URL that streams. See docs/deploy/aws.md.
module "any2api" {
  source = "../../modules/aws_lambda"

  name                 = var.name
  package              = var.package
  architecture         = var.architecture
  python               = var.python
  reserved_concurrency = var.reserved_concurrency
  secret_names         = local.secret_names
  tags                 = { project = var.name }
}
