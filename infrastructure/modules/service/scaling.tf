locals {
  scales = var.tasks.max > var.tasks.min
}

resource "aws_appautoscaling_target" "this" {
  count = local.scales ? 1 : 0

  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  resource_id        = "service/${var.cluster_name}/${aws_ecs_service.this.name}"
  min_capacity       = var.tasks.min
  max_capacity       = var.tasks.max
}

resource "aws_appautoscaling_policy" "cpu" {
  count = local.scales && var.queue_scaling == null ? 1 : 0

  name               = "cpu"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.this[0].service_namespace
  scalable_dimension = aws_appautoscaling_target.this[0].scalable_dimension
  resource_id        = aws_appautoscaling_target.this[0].resource_id

  target_tracking_scaling_policy_configuration {
    target_value       = 60
    scale_out_cooldown = 60
    scale_in_cooldown  = 300

    predefined_metric_specification {
      predefined_metric_type = "ECSServiceAverageCPUUtilization"
    }
  }
}

# One task for every so many messages that wait, and none for an empty queue. Steps, because target tracking divides by
# the number of tasks and so cannot leave zero.
resource "aws_appautoscaling_policy" "queue" {
  count = local.scales && var.queue_scaling != null ? 1 : 0

  name               = "queue-depth"
  policy_type        = "StepScaling"
  service_namespace  = aws_appautoscaling_target.this[0].service_namespace
  scalable_dimension = aws_appautoscaling_target.this[0].scalable_dimension
  resource_id        = aws_appautoscaling_target.this[0].resource_id

  step_scaling_policy_configuration {
    adjustment_type         = "ExactCapacity"
    metric_aggregation_type = "Average"
    cooldown                = 120

    step_adjustment {
      metric_interval_upper_bound = "0"
      scaling_adjustment          = var.tasks.min
    }

    dynamic "step_adjustment" {
      for_each = range(var.tasks.max)

      content {
        metric_interval_lower_bound = tostring(step_adjustment.value * var.queue_scaling.messages_per_task)
        metric_interval_upper_bound = step_adjustment.value + 1 == var.tasks.max ? null : tostring((step_adjustment.value + 1) * var.queue_scaling.messages_per_task)
        scaling_adjustment          = step_adjustment.value + 1
      }
    }
  }
}

# It is no alert: it calls the policy at every datapoint, above the threshold and below it.
resource "aws_cloudwatch_metric_alarm" "queue" {
  for_each = local.scales && var.queue_scaling != null ? { above = "GreaterThanOrEqualToThreshold", below = "LessThanThreshold" } : {}

  alarm_name          = "${var.cluster_name}-${var.service}-scaling-${each.key}"
  alarm_description   = "Drives the autoscaling of ${var.service}; nothing to do."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = var.queue_scaling.queue_name }
  statistic           = "Average"
  period              = 60
  evaluation_periods  = each.key == "above" ? 2 : 10
  comparison_operator = each.value
  threshold           = var.queue_scaling.messages_per_task
  alarm_actions       = [aws_appautoscaling_policy.queue[0].arn]
}
