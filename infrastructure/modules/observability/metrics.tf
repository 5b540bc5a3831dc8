# The application logs JSON; two of its fields become metrics here, so that no process needs to call CloudWatch.
locals {
  application_metrics = {
    outbox  = { metric = "OutboxOldestAgeSeconds", field = "outbox_oldest_age_s", unit = "Seconds", log_group = var.log_groups.api }
    settled = { metric = "SettledPayables", field = "settled_count", unit = "Count", log_group = var.log_groups.run }
  }

  metric_namespace = "psp"
}

resource "aws_cloudwatch_log_metric_filter" "this" {
  for_each = local.application_metrics

  name           = "${var.name}-${each.key}"
  log_group_name = each.value.log_group
  pattern        = "{ $.${each.value.field} >= 0 }"

  metric_transformation {
    namespace = local.metric_namespace
    name      = each.value.metric
    value     = "$.${each.value.field}"
    unit      = each.value.unit
  }
}
