# How big an environment is, and how long it remembers. The defaults are the smallest that is safe with money.
variable "zones" {
  description = "Availability zones to span, in an order that never changes: it decides the subnets' addresses."
  type        = list(string)
  default     = ["sa-east-1a", "sa-east-1b"]

  validation {
    condition     = contains([2, 3], length(var.zones)) && length(distinct(var.zones)) == length(var.zones)
    error_message = "zones are two or three different zones: the standby and the load balancers need two."
  }

  validation {
    condition     = alltrue([for zone in var.zones : startswith(zone, var.region)])
    error_message = "zones are those of the region."
  }
}

variable "cpu_architecture" {
  description = "Architecture that the image was built for."
  type        = string
  default     = "X86_64"

  validation {
    condition     = contains(["X86_64", "ARM64"], var.cpu_architecture)
    error_message = "cpu_architecture is X86_64 or ARM64."
  }
}

variable "database_engine_version" {
  description = "Major version of PostgreSQL."
  type        = string
  default     = "18"

  validation {
    condition     = contains(["16", "17", "18"], var.database_engine_version)
    error_message = "database_engine_version is a major version from 16 to 18."
  }
}

variable "database_instance_class" {
  description = "Size of the database, for example db.m7g.large."
  type        = string
  default     = "db.t4g.medium"

  validation {
    condition     = can(regex("^db\\.[a-z0-9]+\\.[a-z0-9]+$", var.database_instance_class))
    error_message = "database_instance_class looks like db.m7g.large."
  }
}

variable "database_storage_gb" {
  description = "Storage of the database at the start, in GiB; it grows by itself up to five times that."
  type        = number
  default     = 50

  validation {
    condition     = var.database_storage_gb >= 20 && var.database_storage_gb <= 10000
    error_message = "database_storage_gb is 20 to 10000."
  }
}

variable "database_multi_az" {
  description = "Keep a synchronous standby in a second zone."
  type        = bool
  default     = true
  nullable    = false

  validation {
    condition     = var.environment != "production" || var.database_multi_az
    error_message = "In production the database has a standby."
  }
}

variable "database_read_replica" {
  description = "Keep an asynchronous replica to read from."
  type        = bool
  default     = false
  nullable    = false
}

variable "database_deletion_protection" {
  description = "Refuse to delete the database."
  type        = bool
  default     = true
  nullable    = false

  validation {
    condition     = var.environment != "production" || var.database_deletion_protection
    error_message = "In production the database cannot be deleted."
  }
}

variable "database_backup_retention_days" {
  description = "Days that point-in-time recovery reaches back."
  type        = number
  default     = 14

  validation {
    condition     = var.database_backup_retention_days >= (var.environment == "production" ? 14 : 7) && var.database_backup_retention_days <= 35
    error_message = "database_backup_retention_days is 7 to 35, and at least 14 in production."
  }
}

variable "sizes" {
  description = "CPU in units of 1/1024 and memory in MiB of each kind of task."
  type = object({
    api         = optional(object({ cpu = number, memory_mib = number }), { cpu = 1024, memory_mib = 2048 })
    webserver   = optional(object({ cpu = number, memory_mib = number }), { cpu = 512, memory_mib = 1024 })
    daemon      = optional(object({ cpu = number, memory_mib = number }), { cpu = 512, memory_mib = 1024 })
    code_server = optional(object({ cpu = number, memory_mib = number }), { cpu = 512, memory_mib = 1024 })
    run         = optional(object({ cpu = number, memory_mib = number }), { cpu = 512, memory_mib = 1024 })
  })
  default = {}

  validation {
    condition     = alltrue([for size in values(var.sizes) : size.memory_mib >= 2 * size.cpu && size.memory_mib <= 8 * size.cpu])
    error_message = "Fargate gives a task twice to eight times as many MiB of memory as units of CPU."
  }
}

variable "api_tasks" {
  description = "Fewest and most tasks of the API; CPU decides between them."
  type        = object({ min = number, max = number })
  default     = { min = 2, max = 4 }

  validation {
    condition     = var.api_tasks.min >= 2 && var.api_tasks.max >= var.api_tasks.min
    error_message = "api_tasks.min is at least 2, so that a zone may fail, and max is no less."
  }
}

variable "overflow" {
  description = "Consumers outside Dagster: most of them, and how many waiting messages bring up each. No tasks: none."
  type        = object({ tasks_max = number, messages_per_task = number })
  default     = { tasks_max = 0, messages_per_task = 2000 }

  validation {
    condition     = var.overflow.tasks_max >= 0 && var.overflow.tasks_max <= 20 && var.overflow.messages_per_task >= 100
    error_message = "overflow.tasks_max is 0 to 20, messages_per_task at least 100."
  }
}

variable "requests_per_address_5min" {
  description = "Requests that one address may send to the API in five minutes before the firewall refuses it."
  type        = number
  default     = 300000

  validation {
    condition     = var.requests_per_address_5min >= 100 && var.requests_per_address_5min <= 2000000000
    error_message = "requests_per_address_5min is 100 to 2,000,000,000."
  }
}

variable "retention_days" {
  description = "Days that logs, the output of runs, and access logs are kept; PCI DSS 10.5.1 asks for a year."
  type        = object({ logs = optional(number, 365), compute_logs = optional(number, 400), access_logs = optional(number, 400) })
  default     = {}

  validation {
    condition     = contains([30, 60, 90, 180, 365, 400, 545, 731], var.retention_days.logs)
    error_message = "retention_days.logs is one of 30, 60, 90, 180, 365, 400, 545, 731."
  }

  validation {
    condition     = var.environment != "production" || (var.retention_days.logs >= 365 && var.retention_days.access_logs >= 365)
    error_message = "In production logs are kept for a year at least."
  }
}

variable "monthly_budget_usd" {
  description = "What the account may cost a month, in US dollars, before somebody is told."
  type        = number
  default     = 1000

  validation {
    condition     = var.monthly_budget_usd >= 100
    error_message = "monthly_budget_usd is at least 100: less than that nothing here can cost."
  }
}
