data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  here = "${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}"
}

resource "aws_iam_role" "this" {
  name               = "${var.name}-function"
  description        = "What the function ${var.name} may do: write its log and read its secrets"
  assume_role_policy = data.aws_iam_policy_document.trust.json
  tags               = var.tags
}

resource "aws_iam_role_policy" "this" {
  name   = "log-and-secrets"
  role   = aws_iam_role.this.id
  policy = data.aws_iam_policy_document.allowed.json
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "allowed" {
  statement {
    sid       = "Log"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.this.arn}:*"]
  }

  # AWS's own keys, with which both stores encrypt by default, need no permission besides.
  dynamic "statement" {
    for_each = local.uses_ssm ? [true] : []

    content {
      sid       = "Secrets"
      actions   = ["ssm:GetParameters"]
      resources = ["arn:${data.aws_partition.current.partition}:ssm:${local.here}:parameter${local.secrets_path}*"]
    }
  }

  dynamic "statement" {
    for_each = local.uses_ssm ? [] : [true]

    content {
      sid     = "Secrets"
      actions = ["secretsmanager:GetSecretValue"]

      # Secrets Manager adds a hyphen and six characters to the name.
      resources = ["arn:${data.aws_partition.current.partition}:secretsmanager:${local.here}:secret:${local.secrets_path}-??????"]
    }
  }
}
