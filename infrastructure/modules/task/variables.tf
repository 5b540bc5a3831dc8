variable "name" {
  description = "Prefix of every name, for example psp-production."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,19}$", var.name))
    error_message = "name is 3 to 20 lower-case letters, digits and hyphens."
  }
}

variable "task" {
  description = "What the task is, for example api."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z-]{1,19}$", var.task))
    error_message = "task is 2 to 20 lower-case letters and hyphens."
  }
}

variable "container_name" {
  description = "Name of the only container; Dagster's run launcher looks for run."
  type        = string
  default     = "psp"

  validation {
    condition     = can(regex("^[a-z]+$", var.container_name))
    error_message = "container_name is lower-case letters."
  }
}

variable "image" {
  description = "Image with its digest."
  type        = string

  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.image))
    error_message = "image ends in a digest: a tag may be another image tomorrow."
  }
}

variable "command" {
  description = "Command and its arguments."
  type        = list(string)

  validation {
    condition     = length(var.command) > 0
    error_message = "command is not empty."
  }
}

variable "size" {
  description = "CPU in units of 1/1024 and memory in MiB, a pair that Fargate offers."
  type        = object({ cpu = number, memory_mib = number })

  validation {
    condition = (
      contains([256, 512, 1024, 2048, 4096], var.size.cpu) &&
      var.size.memory_mib % (var.size.cpu == 256 ? 512 : 1024) == 0 &&
      var.size.memory_mib >= var.size.cpu * 2 &&
      var.size.memory_mib <= var.size.cpu * 8 &&
      var.size.memory_mib <= 30720
    )
    error_message = "size is a pair that Fargate offers: memory from twice to eight times the cpu, at most 30720 MiB."
  }
}

variable "tmp_mib" {
  description = "Size of /tmp, which counts as memory, in MiB."
  type        = number
  default     = 128

  validation {
    condition     = var.tmp_mib >= 16 && var.tmp_mib <= 4096
    error_message = "tmp_mib is 16 to 4096."
  }
}

variable "cpu_architecture" {
  description = "Architecture that the image was built for."
  type        = string

  validation {
    condition     = contains(["X86_64", "ARM64"], var.cpu_architecture)
    error_message = "cpu_architecture is X86_64 or ARM64."
  }
}

variable "environment" {
  description = "Environment variables, none of them secret."
  type        = map(string)

  validation {
    condition     = alltrue([for key in keys(var.environment) : !can(regex("(PASSWORD|SECRET|PEPPER|DATABASE_URL)$", key))])
    error_message = "A secret goes into secrets: environment is readable by everyone who may describe a task."
  }
}

variable "secrets" {
  description = "Environment variables whose value ECS reads at start, with the ARN of the secret or parameter."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for key in keys(var.secrets) : can(regex("^[A-Z][A-Z0-9_]+$", key))])
    error_message = "The keys of secrets are environment variables."
  }
}

variable "parameters" {
  description = "Those of the secrets that lie in Parameter Store."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for key in var.parameters : contains(keys(var.secrets), key)])
    error_message = "parameters are keys of secrets."
  }
}

variable "port" {
  description = "Port that the container listens on; null for none."
  type        = number
  default     = null

  validation {
    condition     = var.port == null ? true : var.port >= 1024 && var.port <= 65535
    error_message = "port is 1024 to 65535: the container does not run as root."
  }
}

variable "health_command" {
  description = "Command that ends with 0 while the container is well; null where a load balancer asks."
  type        = list(string)
  default     = null

  validation {
    condition     = var.health_command == null ? true : length(var.health_command) > 0
    error_message = "health_command is null or not empty."
  }
}

variable "policies" {
  description = "What the program may do at AWS: policy documents by name."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for document in values(var.policies) : can(jsondecode(document))])
    error_message = "policies are JSON documents."
  }
}

variable "repository_arn" {
  description = "Repository of the image."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:ecr:", var.repository_arn))
    error_message = "repository_arn is the ARN of an ECR repository."
  }
}

variable "log_retention_days" {
  description = "Days that the log is kept."
  type        = number

  validation {
    condition     = contains([30, 60, 90, 180, 365, 400, 545, 731], var.log_retention_days)
    error_message = "log_retention_days is one of 30, 60, 90, 180, 365, 400, 545, 731."
  }
}

variable "kms_key_arn" {
  description = "Key of the log and of the secrets."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:", var.kms_key_arn))
    error_message = "kms_key_arn is the ARN of a KMS key."
  }
}
