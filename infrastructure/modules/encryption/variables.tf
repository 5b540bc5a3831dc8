variable "name" {
  description = "Prefix of every name, for example psp-production."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,19}$", var.name))
    error_message = "name is 3 to 20 lower-case letters, digits and hyphens."
  }
}
