terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100"
    }

    google = {
      source  = "hashicorp/google"
      version = ">= 6.50"
    }

    vercel = {
      source  = "vercel/vercel"
      version = ">= 4.8"
    }
  }
}

# Region and credentials are those of AWS's command line: AWS_REGION, AWS_PROFILE and so on.
provider "aws" {}

# Credentials are those of `gcloud auth application-default login`.
provider "google" {
  project = var.project
}

# The token is in VERCEL_API_TOKEN.
provider "vercel" {}
