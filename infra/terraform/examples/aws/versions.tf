terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100"
    }
  }
}

# Region and credentials are those of AWS's command line: AWS_REGION, AWS_PROFILE and so on.
provider "aws" {}
