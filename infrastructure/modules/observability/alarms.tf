# Every alarm in one table: what is measured, from where on it is wrong, for how long, and what missing data means.
locals {
  balancer = { LoadBalancer = var.api_balancer }
  target   = { LoadBalancer = var.api_balancer, TargetGroup = var.api_target_group }
  database = { DBInstanceIdentifier = var.database.identifier }
  gib      = 1024 * 1024 * 1024

  api_alarms = {
    api-5xx = {
      text      = "The API answered with an error of its own"
      namespace = "AWS/ApplicationELB", metric = "HTTPCode_Target_5XX_Count", dimensions = local.target
      statistic = "Sum", over = 10, period_s = 300, periods = 1, missing = "notBreaching"
    }
    balancer-5xx = {
      text      = "The load balancer found no task that answered"
      namespace = "AWS/ApplicationELB", metric = "HTTPCode_ELB_5XX_Count", dimensions = local.balancer
      statistic = "Sum", over = 10, period_s = 300, periods = 1, missing = "notBreaching"
    }
    api-p95 = {
      text      = "One request in twenty takes longer than half a second"
      namespace = "AWS/ApplicationELB", metric = "TargetResponseTime", dimensions = local.target
      statistic = "p95", over = 0.5, period_s = 300, periods = 3, missing = "notBreaching"
    }
    api-unhealthy = {
      text      = "A task of the API fails its health check"
      namespace = "AWS/ApplicationELB", metric = "UnHealthyHostCount", dimensions = local.target
      statistic = "Maximum", over = 0, period_s = 60, periods = 5, missing = "notBreaching"
    }
  }

  flow_alarms = {
    queue-age = {
      text      = "A transaction has waited five minutes to become payables"
      namespace = "AWS/SQS", metric = "ApproximateAgeOfOldestMessage", dimensions = { QueueName = var.queue.name }
      statistic = "Maximum", over = 300, period_s = 60, periods = 3, missing = "notBreaching"
    }
    dead-letters = {
      text      = "A message failed five times and needs a person"
      namespace = "AWS/SQS", metric = "ApproximateNumberOfMessagesVisible", dimensions = { QueueName = var.queue.dead_letter_name }
      statistic = "Maximum", over = 0, period_s = 60, periods = 1, missing = "notBreaching"
    }
    # The relay reports every minute; silence means that it is dead, which is worse than an old row.
    outbox-age = {
      text      = "The relay has left a transaction unsent for a minute, or says nothing"
      namespace = local.metric_namespace, metric = "OutboxOldestAgeSeconds", dimensions = {}
      statistic = "Maximum", over = 60, period_s = 300, periods = 2, missing = "breaching"
    }
  }

  database_alarms = {
    database-cpu = {
      text      = "The database is short of CPU"
      namespace = "AWS/RDS", metric = "CPUUtilization", dimensions = local.database
      statistic = "Average", over = 80, period_s = 300, periods = 3, missing = "breaching"
    }
    database-disk-queue = {
      text      = "The database waits for its disk"
      namespace = "AWS/RDS", metric = "DiskQueueDepth", dimensions = local.database
      statistic = "Average", over = 32, period_s = 300, periods = 3, missing = "notBreaching"
    }
    database-replication-slot = {
      text      = "A replication slot holds back 5 GiB of write-ahead log"
      namespace = "AWS/RDS", metric = "OldestReplicationSlotLag", dimensions = local.database
      statistic = "Maximum", over = 5 * local.gib, period_s = 300, periods = 3, missing = "notBreaching"
    }
  }

  replica_alarms = { for replica in var.database.replicas : "replication-lag-${replica}" => {
    text      = "The read replica is more than half a minute behind, or has stopped"
    namespace = "AWS/RDS", metric = "ReplicaLag", dimensions = { DBInstanceIdentifier = replica }
    statistic = "Average", over = 30, period_s = 60, periods = 5, missing = "breaching"
  } }

  service_alarms = { for pair in setproduct(var.services, ["CPUUtilization", "MemoryUtilization"]) : lower(join("-", pair)) => {
    text      = "${pair[0]} has used more than 85 % for a quarter of an hour"
    namespace = "AWS/ECS", metric = pair[1], dimensions = { ClusterName = var.cluster_name, ServiceName = pair[0] }
    statistic = "Average", over = 85, period_s = 300, periods = 3, missing = "notBreaching"
  } }

  alarms_above = merge(local.api_alarms, local.flow_alarms, local.database_alarms, local.replica_alarms, local.service_alarms)

  # Wrong when below: what is used up, and what no longer happens.
  alarms_below = merge(
    {
      database-storage = {
        text      = "A fifth of the database's first storage is left; it grows by itself, but not for ever"
        namespace = "AWS/RDS", metric = "FreeStorageSpace", dimensions = local.database
        statistic = "Minimum", under = var.database.storage_gb * local.gib / 5, period_s = 300, periods = 2, missing = "breaching"
      }
      database-memory = {
        text      = "The database has less than 256 MiB of memory left"
        namespace = "AWS/RDS", metric = "FreeableMemory", dimensions = local.database
        statistic = "Minimum", under = local.gib / 4, period_s = 300, periods = 3, missing = "breaching"
      }
      # Runs are counted, not payables: a day on which nothing is due still has its run. 26 hours leave a late run two.
      no-settlement-today = {
        text      = "No settlement has run for 26 hours"
        namespace = local.metric_namespace, metric = "SettledPayables", dimensions = {}
        statistic = "SampleCount", under = 1, period_s = 3600, periods = 26, missing = "breaching"
      }
    },
    { for service in var.services : "${service}-not-running" => {
      text      = "No task of ${service} runs"
      namespace = "ECS/ContainerInsights", metric = "RunningTaskCount", dimensions = { ClusterName = var.cluster_name, ServiceName = service }
      statistic = "Minimum", under = 1, period_s = 60, periods = 5, missing = "breaching"
    } },
  )

  alarms = merge(
    { for name, alarm in local.alarms_above : name => merge(alarm, { comparison = "GreaterThanThreshold", threshold = alarm.over }) },
    { for name, alarm in local.alarms_below : name => merge(alarm, { comparison = "LessThanThreshold", threshold = alarm.under }) },
  )
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.text
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = startswith(each.value.statistic, "p") ? null : each.value.statistic
  extended_statistic  = startswith(each.value.statistic, "p") ? each.value.statistic : null
  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  period              = each.value.period_s
  evaluation_periods  = each.value.periods
  treat_missing_data  = each.value.missing
  alarm_actions       = [var.topic_arn]
  ok_actions          = [var.topic_arn]
}

resource "aws_cloudwatch_metric_alarm" "success_rate" {
  alarm_name          = "${var.name}-success-rate"
  alarm_description   = "Fewer than 99.5 % of the API's requests succeeded, out of at least a hundred"
  comparison_operator = "LessThanThreshold"
  threshold           = 99.5
  evaluation_periods  = 2
  treat_missing_data  = "notBreaching"
  alarm_actions       = [var.topic_arn]
  ok_actions          = [var.topic_arn]

  metric_query {
    id          = "success"
    label       = "Success rate, %"
    expression  = "IF(requests >= 100, 100 * (1 - (FILL(target_errors, 0) + FILL(balancer_errors, 0)) / requests), 100)"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = {
      requests        = "RequestCount"
      target_errors   = "HTTPCode_Target_5XX_Count"
      balancer_errors = "HTTPCode_ELB_5XX_Count"
    }

    content {
      id = metric_query.key

      metric {
        namespace   = "AWS/ApplicationELB"
        metric_name = metric_query.value
        dimensions  = local.balancer
        period      = 300
        stat        = "Sum"
      }
    }
  }
}

# Failovers, lost standbys and full disks are events, not metrics.
resource "aws_db_event_subscription" "this" {
  name             = var.name
  sns_topic        = var.topic_arn
  source_type      = "db-instance"
  source_ids       = concat([var.database.identifier], var.database.replicas)
  event_categories = ["availability", "failover", "failure", "low storage", "maintenance", "recovery"]
}
