terraform {
  required_version = ">= 1.11"

  required_providers {
    vercel = {
      source  = "vercel/vercel"
      version = ">= 4.8"
    }
  }
}

# The token is in VERCEL_API_TOKEN.
provider "vercel" {}
