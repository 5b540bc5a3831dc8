variable "name" {
  description = "Prefix of every name, for example psp-production."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,19}$", var.name))
    error_message = "name is 3 to 20 lower-case letters, digits and hyphens."
  }
}

variable "topic_arn" {
  description = "Topic that alarms and budgets publish to."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:sns:", var.topic_arn))
    error_message = "topic_arn is the ARN of an SNS topic."
  }
}

variable "api_balancer" {
  description = "The API's load balancer, as CloudWatch's dimension LoadBalancer."
  type        = string

  validation {
    condition     = length(var.api_balancer) > 0
    error_message = "api_balancer is not empty."
  }
}

variable "api_target_group" {
  description = "The API's target group, as CloudWatch's dimension TargetGroup."
  type        = string

  validation {
    condition     = length(var.api_target_group) > 0
    error_message = "api_target_group is not empty."
  }
}

variable "cluster_name" {
  description = "ECS cluster of the services."
  type        = string

  validation {
    condition     = length(var.cluster_name) > 0
    error_message = "cluster_name is not empty."
  }
}

variable "services" {
  description = "Services that always have a task; empty before the first release."
  type        = set(string)

  validation {
    condition     = alltrue([for service in var.services : can(regex("^[a-z-]+$", service))])
    error_message = "services are names of lower-case letters and hyphens."
  }
}

variable "queue" {
  description = "Names of the queue and of its dead-letter queue."
  type        = object({ name = string, dead_letter_name = string })

  validation {
    condition     = var.queue.name != var.queue.dead_letter_name
    error_message = "The queue is not its own dead-letter queue."
  }
}

variable "database" {
  description = "Identifiers of the primary and of the replicas, and the storage in GiB that the primary began with."
  type        = object({ identifier = string, replicas = list(string), storage_gb = number })

  validation {
    condition     = var.database.storage_gb > 0
    error_message = "storage_gb is positive."
  }
}

variable "log_groups" {
  description = "Log groups of the API and of Dagster's runs."
  type        = object({ api = string, run = string })

  validation {
    condition     = var.log_groups.api != var.log_groups.run
    error_message = "The API and the runs have log groups of their own."
  }
}

variable "monthly_budget_usd" {
  description = "What the account may cost a month, in US dollars."
  type        = number

  validation {
    condition     = var.monthly_budget_usd > 0
    error_message = "monthly_budget_usd is positive."
  }
}
