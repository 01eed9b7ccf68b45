terraform {
  # Ephemeral variables and write-only arguments, which keep secrets out of the state.
  required_version = ">= 1.11"

  required_providers {
    google = {
      source = "hashicorp/google"

      # 6.22 and 6.23 lose secret environment variables; 6.50 is what the arguments here were checked against.
      version = ">= 6.50"
    }
  }
}
