variable "name" {
  description = "Name of the queue; its dead-letter queue adds -dlq."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,76}$", var.name))
    error_message = "name is at most 76 letters, digits, hyphens and underscores."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts messages."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:", var.kms_key_arn))
    error_message = "kms_key_arn is the ARN of a KMS key."
  }
}
