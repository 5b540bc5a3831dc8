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
  description = "Dagster's web interface for operators: domain, certificate, who may reach the login, and the identity provider."
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

variable "viewers" {
  description = "The same, read-only, for those who only look: a client of its own at the identity provider, which decides who they are."
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
    condition     = length(var.viewers.ingress_cidrs) > 0 && !contains(var.viewers.ingress_cidrs, "0.0.0.0/0")
    error_message = "viewers.ingress_cidrs names the networks of the viewers, never the whole internet."
  }

  validation {
    condition     = var.viewers.domain != var.operations.domain && var.viewers.oidc.client_id != var.operations.oidc.client_id
    error_message = "Viewers have a domain and a client at the identity provider that are not the operators'."
  }
}

variable "viewers_oidc_client_secret" {
  description = "Secret of the viewers' client at the identity provider. From TF_VAR_viewers_oidc_client_secret, never from a file."
  type        = string
  default     = ""
  sensitive   = true

  validation {
    condition     = !can(regex("\\s", var.viewers_oidc_client_secret))
    error_message = "viewers_oidc_client_secret has no white space; was a line break copied with it?"
  }
}

variable "oidc_client_secret" {
  description = "Secret of the operators' client at the identity provider. From TF_VAR_oidc_client_secret, never from a file."
  type        = string
  default     = ""
  sensitive   = true

  validation {
    condition     = !can(regex("\\s", var.oidc_client_secret))
    error_message = "oidc_client_secret has no white space; was a line break copied with it?"
  }
}

variable "database_first_password" {
  description = "Administrator's password until the setup task has run. From TF_VAR_database_first_password, at the first apply alone."
  type        = string
  default     = ""
  sensitive   = true

  validation {
    condition     = var.services_enabled || length(var.database_first_password) >= 24
    error_message = "database_first_password has 24 characters at least: openssl rand -hex 24."
  }
}

variable "collector" {
  description = "PrivateLink service of an OpenTelemetry collector that takes OTLP over HTTPS, its name there and its port; null for no traces."
  type        = object({ service_name = string, domain = string, port = optional(number, 4318) })
  default     = null

  validation {
    condition     = var.collector == null ? true : startswith(var.collector.service_name, "com.amazonaws.") && can(regex("^([a-z0-9-]+\\.)+[a-z]{2,}$", var.collector.domain))
    error_message = "collector.service_name begins with com.amazonaws., and collector.domain is the host name that its endpoint answers to."
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

# A digest names the very image that was tested; a tag only says what somebody called one.
variable "image_digest" {
  description = "Digest of the image that the services run, as the release's workflow pushed it; the environment's file records it, release by release."
  type        = string

  validation {
    condition     = can(regex("^sha256:[0-9a-f]{64}$", var.image_digest))
    error_message = "image_digest is sha256: and 64 hexadecimal digits."
  }
}

variable "migrations_image_digest" {
  description = "Digest of the image that migrates, one release ahead of the services while releasing; null for theirs."
  type        = string
  default     = null

  validation {
    condition     = var.migrations_image_digest == null ? true : can(regex("^sha256:[0-9a-f]{64}$", var.migrations_image_digest))
    error_message = "migrations_image_digest is sha256: and 64 hexadecimal digits."
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
