variable "name" {
  description = "Name of the bucket; the account's id is added to it."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,49}$", var.name))
    error_message = "name is 3 to 50 lower-case letters, digits and hyphens."
  }
}

variable "expire_days" {
  description = "Days after which an object is deleted; null to keep it for ever."
  type        = number
  default     = null

  validation {
    condition     = var.expire_days == null ? true : var.expire_days >= 30 && var.expire_days <= 3650
    error_message = "expire_days is 30 to 3650."
  }
}

variable "takes_access_logs" {
  description = "Let load balancers and other buckets write their access logs here."
  type        = bool
  default     = false
  nullable    = false
}

variable "access_logs_bucket" {
  description = "Bucket that takes this one's access log; null only where takes_access_logs is true."
  type        = string
  default     = null

  validation {
    condition     = var.takes_access_logs == (var.access_logs_bucket == null)
    error_message = "A bucket either takes access logs or names the bucket that takes its own."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts the objects."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:", var.kms_key_arn))
    error_message = "kms_key_arn is the ARN of a KMS key."
  }
}
