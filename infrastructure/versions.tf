# The state's backend is not here, so that a clone without an account can plan: copy environments/backend.tf.example.
terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }
}

provider "aws" {
  region              = var.region
  allowed_account_ids = var.account_id == null ? null : [var.account_id]

  default_tags {
    tags = {
      project     = "psp"
      environment = var.environment
      owner       = var.owner
      managed_by  = "terraform"
    }
  }
}
