# A task that is kept running. A roll-out whose tasks do not become healthy goes back to the last good one by itself.
resource "aws_ecs_service" "this" {
  name             = var.service
  cluster          = var.cluster_arn
  task_definition  = var.task_definition_arn
  desired_count    = var.tasks.min
  launch_type      = "FARGATE"
  platform_version = "LATEST"
  propagate_tags   = "SERVICE"

  enable_ecs_managed_tags = true
  enable_execute_command  = false
  # A singleton is stopped before its successor starts: two Dagster daemons would start every run twice.
  availability_zone_rebalancing      = var.singleton ? "DISABLED" : "ENABLED"
  deployment_minimum_healthy_percent = var.singleton ? 0 : 100
  deployment_maximum_percent         = var.singleton ? 100 : 200

  # Terraform ends only once the tasks run, so that a failed roll-out fails the release.
  wait_for_steady_state             = true
  health_check_grace_period_seconds = var.target == null ? null : 60

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = var.subnet_ids
    security_groups  = [var.security_group_id]
    assign_public_ip = false
  }

  dynamic "load_balancer" {
    for_each = var.target[*]

    content {
      target_group_arn = load_balancer.value.group_arn
      container_name   = "psp"
      container_port   = load_balancer.value.port
    }
  }

  dynamic "service_registries" {
    for_each = var.registry[*]

    content {
      registry_arn = service_registries.value.arn
    }
  }

  # Autoscaling decides, within its limits.
  lifecycle {
    ignore_changes = [desired_count]
  }
}
