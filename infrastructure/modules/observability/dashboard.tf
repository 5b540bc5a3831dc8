locals {
  region = data.aws_region.current.region

  # Two columns, top to bottom, in the order in which a transaction passes.
  widgets = [
    { title = "API requests", stat = "Sum", metrics = [for metric in ["RequestCount", "HTTPCode_Target_4XX_Count", "HTTPCode_Target_5XX_Count", "HTTPCode_ELB_5XX_Count"] : ["AWS/ApplicationELB", metric, "LoadBalancer", var.api_balancer]] },
    { title = "API response time, s", stat = "p95", metrics = [["AWS/ApplicationELB", "TargetResponseTime", "LoadBalancer", var.api_balancer]] },
    { title = "Oldest unsent transaction, s", stat = "Maximum", metrics = [[local.metric_namespace, "OutboxOldestAgeSeconds"]] },
    { title = "Queue: waiting and dead letters", stat = "Maximum", metrics = [for queue in [var.queue.name, var.queue.dead_letter_name] : ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", queue]] },
    { title = "Queue: oldest message, s", stat = "Maximum", metrics = [["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", var.queue.name]] },
    { title = "Payables settled", stat = "Sum", metrics = [[local.metric_namespace, "SettledPayables"]] },
    { title = "Services: CPU, %", stat = "Average", metrics = [for service in sort(var.services) : ["AWS/ECS", "CPUUtilization", "ClusterName", var.cluster_name, "ServiceName", service]] },
    { title = "Services: memory, %", stat = "Average", metrics = [for service in sort(var.services) : ["AWS/ECS", "MemoryUtilization", "ClusterName", var.cluster_name, "ServiceName", service]] },
    { title = "Database: CPU, %", stat = "Average", metrics = [["AWS/RDS", "CPUUtilization", "DBInstanceIdentifier", var.database.identifier]] },
    { title = "Database: connections", stat = "Average", metrics = [["AWS/RDS", "DatabaseConnections", "DBInstanceIdentifier", var.database.identifier]] },
    { title = "Database: free storage, bytes", stat = "Minimum", metrics = [["AWS/RDS", "FreeStorageSpace", "DBInstanceIdentifier", var.database.identifier]] },
    { title = "Database: replication lag, s", stat = "Average", metrics = [for replica in var.database.replicas : ["AWS/RDS", "ReplicaLag", "DBInstanceIdentifier", replica]] },
  ]
}

data "aws_region" "current" {}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name

  dashboard_body = jsonencode({
    widgets = [for index, widget in [for widget in local.widgets : widget if length(widget.metrics) > 0] : {
      type   = "metric"
      x      = index % 2 * 12
      y      = floor(index / 2) * 6
      width  = 12
      height = 6
      properties = {
        title   = widget.title
        region  = local.region
        view    = "timeSeries"
        stacked = false
        period  = 60
        stat    = widget.stat
        metrics = widget.metrics
      }
    }]
  })
}
