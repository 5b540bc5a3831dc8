# What an environment is. How big it is: capacity.tf.
variable "environment" {
  description = "Name of the environment. Each has an AWS account of its own."
  type        = string

  validation {
    condition     = contains(["staging", "production"], var.environment)
    error_message = "environment is staging or production."
  }
}

variable "account_id" {
  description = "The only AWS account that may be changed; null to take whichever the credentials belong to."
  type        = string
  default     = null

  validation {
    condition     = var.account_id == null ? true : can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id is 12 digits."
  }
}

variable "region" {
  description = "AWS region."
  type        = string
  default     = "sa-east-1"

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region looks like sa-east-1."
  }
}

variable "owner" {
  description = "Team that answers for the environment; the tag owner."
  type        = string
  default     = "payments"

  validation {
    condition     = can(regex("^[a-z][a-z-]+$", var.owner))
    error_message = "owner is lower-case letters and hyphens."
  }
}

variable "vpc_cidr" {
  description = "Address range of the VPC, a /16 that no network you peer with uses."
  type        = string
  default     = "10.40.0.0/16"

  validation {
    condition     = can(cidrnetmask(var.vpc_cidr)) && endswith(var.vpc_cidr, "/16")
    error_message = "vpc_cidr is an IPv4 range of /16."
  }
}

variable "zone_id" {
  description = "Route 53 zone that holds both domains."
  type        = string

  validation {
    condition     = can(regex("^Z[A-Z0-9]+$", var.zone_id))
    error_message = "zone_id is a Route 53 zone id."
  }
}

variable "api" {
  description = "The merchant API's domain, its issued ACM certificate and who may reach it."
  type = object({
    domain          = string
    certificate_arn = string
    ingress_cidrs   = optional(list(string), ["0.0.0.0/0"])
  })

  validation {
    condition     = startswith(var.api.certificate_arn, "arn:")
    error_message = "api.certificate_arn is the ARN of an ACM certificate."
  }
}

variable "operations" {
  description = "Dagster's web interface: domain, certificate, who may reach the login, and the identity provider."
  type = object({
    domain          = string
    certificate_arn = string
    ingress_cidrs   = list(string)
    oidc = object({
      issuer                 = string
      authorization_endpoint = string
      token_endpoint         = string
      user_info_endpoint     = string
      client_id              = string
    })
  })

  validation {
    condition     = length(var.operations.ingress_cidrs) > 0 && !contains(var.operations.ingress_cidrs, "0.0.0.0/0")
    error_message = "operations.ingress_cidrs names the networks of the operators, never the whole internet."
  }
}

variable "oidc_client_secret" {
  description = "Secret of the client at the identity provider. From TF_VAR_oidc_client_secret, never from a file."
  type        = string
  default     = ""
  sensitive   = true

  validation {
    condition     = !can(regex("\\s", var.oidc_client_secret))
    error_message = "oidc_client_secret has no white space; was a line break copied with it?"
  }
}

variable "alert_emails" {
  description = "Who is told by e-mail of alarms, failed runs and the budget; each confirms once."
  type        = set(string)

  validation {
    condition     = length(var.alert_emails) > 0 && alltrue([for address in var.alert_emails : can(regex("^[^@\\s]+@[^@\\s]+$", address))])
    error_message = "alert_emails holds at least one e-mail address: an alarm that nobody hears is none."
  }
}

variable "image_tag" {
  description = "Tag of the image that the services run; the environment's file records it, release by release."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9._-]*$", var.image_tag)) && var.image_tag != "latest"
    error_message = "image_tag is one build's tag, never latest."
  }
}

variable "migrations_image_tag" {
  description = "Tag of the image that migrates, one release ahead of the services while releasing; null for theirs."
  type        = string
  default     = null

  validation {
    condition     = var.migrations_image_tag == null ? true : can(regex("^[A-Za-z0-9][A-Za-z0-9._-]*$", var.migrations_image_tag)) && var.migrations_image_tag != "latest"
    error_message = "migrations_image_tag is one build's tag, never latest."
  }
}

variable "services_enabled" {
  description = "Run the services. False only for the very first apply, while there is no image and no database user."
  type        = bool
  default     = true
  nullable    = false
}

variable "application_settings" {
  description = "Further settings of the application, as PSP_* variables; none of them secret."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for key in keys(var.application_settings) : startswith(key, "PSP_") && !can(regex("URL|PEPPER|AUTH|BIND|QUEUE|PROXIES", key))])
    error_message = "application_settings are PSP_* variables, and none that this configuration sets itself."
  }
}
