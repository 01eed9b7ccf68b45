terraform {
  required_version = ">= 1.11"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 6.50"
    }
  }
}

# Credentials are those of `gcloud auth application-default login`.
provider "google" {
  project = var.project
  region  = var.region
}
