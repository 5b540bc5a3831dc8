# One kind of Fargate task: its definition, its log, and its two roles. The execution role is ECS's, to pull the image and
# to read exactly this task's secrets; the task role is the program's.
data "aws_region" "current" {}

data "aws_caller_identity" "current" {}

locals {
  full_name = "${var.name}-${var.task}"

  container = {
    name        = var.container_name
    image       = var.image
    essential   = true
    entryPoint  = ["/bin/sh", "-c", file("${path.module}/entrypoint.sh"), "psp"]
    command     = var.command
    stopTimeout = 120

    environment = [for key in sort(keys(local.environment)) : { name = key, value = local.environment[key] }]
    secrets     = [for key in sort(keys(var.secrets)) : { name = key, valueFrom = var.secrets[key] }]

    portMappings = [for port in var.port[*] : { containerPort = port, hostPort = port, protocol = "tcp" }]

    readonlyRootFilesystem = true
    privileged             = false

    linuxParameters = {
      initProcessEnabled = true
      capabilities       = { drop = ["ALL"] }
      tmpfs              = [{ containerPath = "/tmp", size = var.tmp_mib, mountOptions = ["mode=1777", "nosuid", "nodev"] }]
    }

    logConfiguration = {
      logDriver = "awslogs"
      options = {
        "awslogs-group"         = aws_cloudwatch_log_group.this.name
        "awslogs-region"        = data.aws_region.current.region
        "awslogs-stream-prefix" = var.task
        # A full log buffer drops lines instead of stopping payments.
        "mode"            = "non-blocking"
        "max-buffer-size" = "4m"
      }
    }
  }

  health_check = [for command in var.health_command == null ? [] : [var.health_command] : {
    command     = concat(["CMD"], command)
    interval    = 60
    timeout     = 30
    retries     = 3
    startPeriod = 120
  }]

  environment = merge({
    AWS_REGION         = data.aws_region.current.region
    AWS_DEFAULT_REGION = data.aws_region.current.region
    PGSSLMODE          = "verify-full"
    PGSSLROOTCERT      = "/tmp/database-ca.pem"
  }, var.environment)
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/${var.name}/${var.task}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_ecs_task_definition" "this" {
  family                   = local.full_name
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.size.cpu
  memory                   = var.size.memory_mib
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task.arn

  container_definitions = jsonencode([merge(local.container, { for check in local.health_check : "healthCheck" => check })])

  # A rollback needs the definition it rolls back to.
  skip_destroy = true

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.cpu_architecture
  }
}
