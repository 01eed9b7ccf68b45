locals {
  secrets_url = coalesce(var.secrets_url, "ssm:///${var.name}/")
  uses_ssm    = startswith(local.secrets_url, "ssm://")

  # /any2api/ for SSM, any2api for Secrets Manager
  secrets_path = split("://", local.secrets_url)[1]
}

resource "aws_lambda_function" "this" {
  #checkov:skip=CKV_AWS_50:X-Ray costs by the trace and needs a daemon's permissions; logs and metrics tell what happens
  #checkov:skip=CKV_AWS_116:A dead letter queue is for asynchronous calls; a function URL is synchronous
  #checkov:skip=CKV_AWS_117:A function URL cannot stream from inside a VPC
  #checkov:skip=CKV_AWS_173:There is no secret in the environment, and a key of one's own costs while asleep
  #checkov:skip=CKV_AWS_272:The zip is made by whoever applies this; its hash is compared instead
  function_name = var.name
  description   = "any2api: the OpenAI API in front of chat services that don't speak it"
  role          = aws_iam_role.this.arn

  filename         = var.package
  source_code_hash = filebase64sha256(var.package)
  handler          = "handlers.aws_lambda.stream"
  runtime          = "python${var.python}"
  architectures    = [var.architecture]

  memory_size                    = var.memory_size
  timeout                        = var.timeout
  reserved_concurrent_executions = var.reserved_concurrency
  publish                        = var.alias != null

  environment {
    variables = merge(var.environment, {
      # Starts our runtime in the place of AWS's own, which cannot stream from Python.
      AWS_LAMBDA_EXEC_WRAPPER = "/var/task/handlers/aws/any2api_runtime"
      SECRETS_URL             = local.secrets_url
    })
  }

  dynamic "snap_start" {
    for_each = try(var.alias.snap_start, false) ? [true] : []

    content {
      apply_on = "PublishedVersions"
    }
  }

  tags = var.tags

  # Without them Lambda would make a log group of its own that keeps everything for ever.
  depends_on = [aws_cloudwatch_log_group.this, aws_iam_role_policy.this]
}

resource "aws_lambda_alias" "this" {
  count = var.alias == null ? 0 : 1

  name             = var.alias.name
  function_name    = aws_lambda_function.this.function_name
  function_version = aws_lambda_function.this.version
}

resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_158:The logs hold no prompt, no answer and no secret, and a key of one's own costs while asleep
  #checkov:skip=CKV_AWS_338:How long logs are worth keeping is the owner's choice, and 30 days by default
  name              = "/aws/lambda/${var.name}"
  retention_in_days = var.log_retention_days
  tags              = var.tags
}
