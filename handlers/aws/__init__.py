"""How the gateway runs on AWS Lambda; `handlers/aws_lambda.py` puts the parts together."""
