variable "name" {
  description = "Prefix of every name, for example psp-production."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,19}$", var.name))
    error_message = "name is 3 to 20 lower-case letters, digits and hyphens."
  }
}

variable "cidr" {
  description = "Address range of the VPC, a /16."
  type        = string

  validation {
    condition     = can(cidrnetmask(var.cidr)) && endswith(var.cidr, "/16")
    error_message = "cidr is an IPv4 range of /16."
  }
}

variable "zones" {
  description = "Availability zones to span, in an order that never changes: it decides the subnets' addresses."
  type        = list(string)

  validation {
    condition     = contains([2, 3], length(var.zones)) && length(distinct(var.zones)) == length(var.zones)
    error_message = "zones are two or three different zones: the standby and the load balancers need two."
  }
}

variable "api_ingress_cidrs" {
  description = "IPv4 ranges that may reach the API's load balancer."
  type        = list(string)

  validation {
    condition     = length(var.api_ingress_cidrs) > 0 && alltrue([for cidr in var.api_ingress_cidrs : can(cidrnetmask(cidr))])
    error_message = "api_ingress_cidrs is a list of IPv4 ranges, at least one."
  }
}

variable "operations_ingress_cidrs" {
  description = "IPv4 ranges, for example of the office's VPN, that may reach Dagster's login page."
  type        = list(string)

  validation {
    condition     = alltrue([for cidr in var.operations_ingress_cidrs : can(cidrnetmask(cidr)) && !endswith(cidr, "/0")])
    error_message = "operations_ingress_cidrs is a list of IPv4 ranges, and never the whole internet."
  }
}

variable "viewers_ingress_cidrs" {
  description = "IPv4 ranges that may reach the login page of those who only look."
  type        = list(string)

  validation {
    condition     = alltrue([for cidr in var.viewers_ingress_cidrs : can(cidrnetmask(cidr)) && !endswith(cidr, "/0")])
    error_message = "viewers_ingress_cidrs is a list of IPv4 ranges, and never the whole internet."
  }
}

variable "collector" {
  description = "PrivateLink service that takes traces, and its port; null for none."
  type        = object({ service_name = string, port = number })
  default     = null

  validation {
    condition     = var.collector == null ? true : var.collector.port >= 1 && var.collector.port <= 65535
    error_message = "collector.port is a port."
  }
}

variable "log_retention_days" {
  description = "Days that flow logs are kept."
  type        = number

  validation {
    condition     = contains([30, 60, 90, 180, 365, 400, 545, 731], var.log_retention_days)
    error_message = "log_retention_days is one of 30, 60, 90, 180, 365, 400, 545, 731."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts the flow log."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:", var.kms_key_arn))
    error_message = "kms_key_arn is the ARN of a KMS key."
  }
}
