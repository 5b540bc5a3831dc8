variable "name" {
  description = "Identifier of the instance, for example psp-production."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,19}$", var.name))
    error_message = "name is 3 to 20 lower-case letters, digits and hyphens."
  }
}

variable "engine_version" {
  description = "Major version of PostgreSQL; minor versions are AWS's to apply."
  type        = string

  validation {
    condition     = contains(["16", "17", "18"], var.engine_version)
    error_message = "engine_version is a major version from 16 to 18."
  }
}

variable "instance_class" {
  description = "Size of the instance, for example db.m7g.large."
  type        = string

  validation {
    condition     = can(regex("^db\\.[a-z0-9]+\\.[a-z0-9]+$", var.instance_class))
    error_message = "instance_class looks like db.m7g.large."
  }
}

variable "first_password" {
  description = "Administrator's password at the instance's creation; of no meaning after that."
  type        = string
  sensitive   = true

  validation {
    condition     = !can(regex("[\\s/@\"]", var.first_password))
    error_message = "first_password has none of what RDS refuses: white space, slash, at sign and quotation mark."
  }
}

variable "storage_gb" {
  description = "Storage at the start, in GiB; it grows by itself up to five times that."
  type        = number

  validation {
    condition     = var.storage_gb >= 20 && var.storage_gb <= 10000 && floor(var.storage_gb) == var.storage_gb
    error_message = "storage_gb is a whole number from 20 to 10000."
  }
}

variable "multi_az" {
  description = "Keep a synchronous standby in a second zone."
  type        = bool
  nullable    = false
}

variable "read_replica" {
  description = "Keep an asynchronous replica to read from."
  type        = bool
  nullable    = false
}

variable "deletion_protection" {
  description = "Refuse to delete the database."
  type        = bool
  nullable    = false
}

variable "backup_retention_days" {
  description = "Days that point-in-time recovery reaches back."
  type        = number

  validation {
    condition     = var.backup_retention_days >= 7 && var.backup_retention_days <= 35
    error_message = "backup_retention_days is 7 to 35."
  }
}

variable "log_retention_days" {
  description = "Days that PostgreSQL's log is kept."
  type        = number

  validation {
    condition     = contains([30, 60, 90, 180, 365, 400, 545, 731], var.log_retention_days)
    error_message = "log_retention_days is one of 30, 60, 90, 180, 365, 400, 545, 731."
  }
}

variable "subnet_ids" {
  description = "Private subnets, in at least two zones."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "subnet_ids spans at least two zones."
  }
}

variable "security_group_id" {
  description = "Security group of the database."
  type        = string

  validation {
    condition     = length(var.security_group_id) > 0
    error_message = "security_group_id is not empty."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts storage, snapshots and insights."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:", var.kms_key_arn))
    error_message = "kms_key_arn is the ARN of a KMS key."
  }
}
