# Nothing of this file is made unless secrets_version is set: by default secrets are set out of band, with
# `any2api secrets set NAME`, and Terraform knows only where they are.

resource "aws_ssm_parameter" "secret" {
  #checkov:skip=CKV_AWS_337:AWS's own key for SSM is free, and a key of one's own costs while asleep
  for_each = local.uses_ssm && var.secrets_version > 0 ? var.secret_names : []

  name             = "${local.secrets_path}${each.key}"
  description      = "A secret of the function ${var.name}"
  type             = "SecureString"
  value_wo         = var.secret_values[each.key]
  value_wo_version = var.secrets_version
  tags             = var.tags
}

resource "aws_secretsmanager_secret" "this" {
  #checkov:skip=CKV_AWS_149:AWS's own key for Secrets Manager is free, and a key of one's own costs while asleep
  #checkov:skip=CKV2_AWS_57:What rotates is at the upstreams, where AWS cannot rotate it; `any2api secrets rotate` does
  count = !local.uses_ssm && var.secrets_version > 0 ? 1 : 0

  name                    = local.secrets_path
  description             = "The secrets of the function ${var.name}"
  recovery_window_in_days = 0
  tags                    = var.tags
}

resource "aws_secretsmanager_secret_version" "this" {
  count = length(aws_secretsmanager_secret.this)

  secret_id                = aws_secretsmanager_secret.this[0].id
  secret_string_wo         = jsonencode(var.secret_values)
  secret_string_wo_version = var.secrets_version
}
