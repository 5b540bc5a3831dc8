variable "service" {
  description = "Name of the service in its cluster, for example api."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z-]{1,19}$", var.service))
    error_message = "service is 2 to 20 lower-case letters and hyphens."
  }
}

variable "cluster_name" {
  description = "Name of the cluster."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]+$", var.cluster_name))
    error_message = "cluster_name is lower-case letters, digits and hyphens."
  }
}

variable "cluster_arn" {
  description = "ARN of the cluster."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:ecs:", var.cluster_arn))
    error_message = "cluster_arn is the ARN of an ECS cluster."
  }
}

variable "task_definition_arn" {
  description = "Revision of the task definition to run."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:ecs:", var.task_definition_arn))
    error_message = "task_definition_arn is the ARN of a task definition."
  }
}

variable "tasks" {
  description = "Fewest and most tasks; equal for a service that does not scale."
  type        = object({ min = number, max = number })
  default     = { min = 1, max = 1 }

  validation {
    condition     = var.tasks.min >= 0 && var.tasks.max >= 1 && var.tasks.min <= var.tasks.max && var.tasks.max <= 100
    error_message = "tasks has 0 <= min <= max, and 1 <= max <= 100."
  }
}

variable "singleton" {
  description = "Never run two tasks at once, not even while rolling."
  type        = bool
  default     = false
  nullable    = false

  validation {
    condition     = !var.singleton || var.tasks.max == 1
    error_message = "A singleton has one task at most."
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
  description = "Security group of the tasks."
  type        = string

  validation {
    condition     = length(var.security_group_id) > 0
    error_message = "security_group_id is not empty."
  }
}

variable "target" {
  description = "Load balancer's target group and the container's port; null for a service without one."
  type        = object({ group_arn = string, port = number })
  default     = null

  validation {
    condition     = var.target == null ? true : var.target.port >= 1024 && var.target.port <= 65535
    error_message = "The port of target is 1024 to 65535."
  }
}

variable "registry" {
  description = "Cloud Map service that carries the tasks' addresses; null for none."
  type        = object({ arn = string })
  default     = null

  validation {
    condition     = var.registry == null ? true : startswith(var.registry.arn, "arn:")
    error_message = "The arn of registry is the ARN of a Cloud Map service."
  }
}

variable "queue_scaling" {
  description = "Scale on the messages waiting in a queue; null to scale on CPU."
  type        = object({ queue_name = string, messages_per_task = number })
  default     = null

  validation {
    condition     = var.queue_scaling == null ? true : var.queue_scaling.messages_per_task >= 1
    error_message = "messages_per_task is at least 1."
  }
}
