variable "name" {
  description = "Name of the load balancer and all that belongs to it, for example psp-production-api."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,31}$", var.name))
    error_message = "name is 3 to 32 lower-case letters, digits and hyphens."
  }
}

variable "vpc_id" {
  description = "VPC of the targets."
  type        = string

  validation {
    condition     = length(var.vpc_id) > 0
    error_message = "vpc_id is not empty."
  }
}

variable "subnet_ids" {
  description = "Public subnets, in at least two zones."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "subnet_ids spans at least two zones."
  }
}

variable "security_group_id" {
  description = "Security group of the load balancer."
  type        = string

  validation {
    condition     = length(var.security_group_id) > 0
    error_message = "security_group_id is not empty."
  }
}

variable "port" {
  description = "Port that the containers listen on."
  type        = number

  validation {
    condition     = var.port >= 1024 && var.port <= 65535
    error_message = "port is 1024 to 65535: the containers do not run as root."
  }
}

variable "health_path" {
  description = "Path that answers 200 when a task can serve."
  type        = string

  validation {
    condition     = startswith(var.health_path, "/")
    error_message = "health_path begins with a slash."
  }
}

variable "domain" {
  description = "Name that clients use."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9-]+\\.)+[a-z]{2,}$", var.domain))
    error_message = "domain is a host name such as api.example.com."
  }
}

variable "zone_id" {
  description = "Route 53 zone of the domain."
  type        = string

  validation {
    condition     = can(regex("^Z[A-Z0-9]+$", var.zone_id))
    error_message = "zone_id is a Route 53 zone id."
  }
}

variable "certificate_arn" {
  description = "Issued ACM certificate for the domain, in this region."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:acm:", var.certificate_arn))
    error_message = "certificate_arn is the ARN of an ACM certificate."
  }
}

variable "redirects_plain_http" {
  description = "Send those who ask at port 80, as people do, to 443; otherwise nothing listens there."
  type        = bool
  default     = false
  nullable    = false
}

variable "oidc" {
  description = "Identity provider that people log in at; null where clients authenticate themselves."
  type = object({
    issuer                 = string
    authorization_endpoint = string
    token_endpoint         = string
    user_info_endpoint     = string
    client_id              = string
  })
  default = null

  validation {
    condition = var.oidc == null ? true : alltrue([
      for key, value in var.oidc : key == "client_id" ? length(value) > 0 : startswith(value, "https://")
    ])
    error_message = "Every endpoint of oidc begins with https://, and client_id is not empty."
  }
}

variable "oidc_client_secret" {
  description = "Secret of the client at the identity provider."
  type        = string
  default     = ""
  sensitive   = true

  validation {
    condition     = !can(regex("\\s", var.oidc_client_secret))
    error_message = "oidc_client_secret has no white space; was a line break copied with it?"
  }
}

variable "requests_per_address_5min" {
  description = "Requests that one address may send in five minutes before it is refused."
  type        = number

  validation {
    condition     = var.requests_per_address_5min >= 10 && var.requests_per_address_5min <= 2000000000
    error_message = "requests_per_address_5min is 10 to 2,000,000,000, as WAF has it."
  }
}

variable "counted_rules" {
  description = "Rules of Amazon's common set that only count here, because rightful requests break them."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for rule in var.counted_rules : contains(["NoUserAgent_HEADER", "SizeRestrictions_BODY"], rule)])
    error_message = "counted_rules are NoUserAgent_HEADER and SizeRestrictions_BODY; the others stay in force."
  }
}

variable "access_logs_bucket" {
  description = "Bucket that accepts the load balancer's access log."
  type        = string

  validation {
    condition     = length(var.access_logs_bucket) > 0
    error_message = "access_logs_bucket is not empty."
  }
}

variable "log_retention_days" {
  description = "Days that the firewall's log is kept."
  type        = number

  validation {
    condition     = contains([30, 60, 90, 180, 365, 400, 545, 731], var.log_retention_days)
    error_message = "log_retention_days is one of 30, 60, 90, 180, 365, 400, 545, 731."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts the firewall's log."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:", var.kms_key_arn))
    error_message = "kms_key_arn is the ARN of a KMS key."
  }
}

variable "inside_only_paths" {
  description = "Path patterns that are answered with 404 instead of being forwarded."
  type        = list(string)
  default     = []

  validation {
    condition     = length(var.inside_only_paths) <= 5 && alltrue([for path in var.inside_only_paths : startswith(path, "/")])
    error_message = "inside_only_paths has at most five patterns, which begin with a slash."
  }
}
