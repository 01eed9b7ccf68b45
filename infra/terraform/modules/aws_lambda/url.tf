resource "aws_lambda_function_url" "this" {
  #checkov:skip=CKV_AWS_258:Clients of the OpenAI API know a key, not AWS's signatures; the gateway checks the key
  function_name      = aws_lambda_function.this.function_name
  qualifier          = one(aws_lambda_alias.this[*].name)
  authorization_type = "NONE"
  invoke_mode        = "RESPONSE_STREAM"

  # No cors: the gateway answers preflights itself, and two answers would contradict each other.
}

# A public URL needs two permissions. The provider adds lambda:InvokeFunctionUrl by itself. The other is
# lambda:InvokeFunction under the condition that the call comes through the URL, an argument that the provider has only
# since 6.29; CloudFormation has it for all. Without the condition anybody on AWS could send the function forged events.
resource "aws_cloudformation_stack" "invoked_via_url" {
  #checkov:skip=CKV_AWS_124:Nobody waits for news of a stack that holds one permission
  name = "${var.name}-invoked-via-url"

  template_body = jsonencode({
    Description = "Lets the function URL of ${var.name} invoke it"
    Resources = {
      Permission = {
        Type = "AWS::Lambda::Permission"
        Properties = {
          Action                = "lambda:InvokeFunction"
          FunctionName          = coalesce(one(aws_lambda_alias.this[*].arn), aws_lambda_function.this.arn)
          InvokedViaFunctionUrl = true
          Principal             = "*"
        }
      }
    }
  })

  tags = var.tags
}
