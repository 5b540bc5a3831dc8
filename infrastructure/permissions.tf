# What each program may do at AWS. A statement names its actions and its resources; where AWS has no resource to name for
# an action, a comment says so.
locals {
  partition = data.aws_partition.current.partition
  account   = data.aws_caller_identity.current.account_id
  region    = data.aws_region.current.region
  ecs_arn   = "arn:${local.partition}:ecs:${local.region}:${local.account}"
  ecs_tasks = "${local.ecs_arn}:task/${local.name}/*"

  queue_lookup  = ["sqs:GetQueueAttributes", "sqs:GetQueueUrl"]
  queue_consume = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"]
}

# The relay inside the API sends; nothing in the API receives.
data "aws_iam_policy_document" "api" {
  statement {
    sid       = "SendTransactions"
    actions   = concat(local.queue_lookup, ["sqs:SendMessage"])
    resources = [module.queue.arn]
  }

  statement {
    sid       = "EncryptMessages"
    actions   = ["kms:GenerateDataKey", "kms:Decrypt"]
    resources = [module.encryption.key_arn]
  }
}

# Sensors look at the queues' depth and tell of failed runs.
data "aws_iam_policy_document" "code_server" {
  statement {
    sid       = "WatchQueues"
    actions   = local.queue_lookup
    resources = [module.queue.arn, module.queue.dead_letter_arn]
  }

  statement {
    sid       = "TellOfFailedRuns"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.alerts.arn]
  }

  statement {
    sid       = "WriteSensorLogs"
    actions   = ["s3:PutObject"]
    resources = ["${module.compute_logs.arn}/compute-logs/*"]
  }

  statement {
    sid       = "UseKey"
    actions   = ["kms:GenerateDataKey", "kms:Decrypt"]
    resources = [module.encryption.key_arn]
  }
}

# Runs turn messages into payables, list and redrive dead letters, settle and write reports.
data "aws_iam_policy_document" "run" {
  statement {
    sid       = "ConsumeQueues"
    actions   = concat(local.queue_lookup, local.queue_consume)
    resources = [module.queue.arn, module.queue.dead_letter_arn]
  }

  # The redrive job sends a dead letter back before it deletes it.
  statement {
    sid       = "RedriveDeadLetters"
    actions   = ["sqs:SendMessage"]
    resources = [module.queue.arn]
  }

  statement {
    sid       = "WriteReports"
    actions   = ["s3:PutObject", "s3:AbortMultipartUpload", "s3:GetObject"]
    resources = ["${module.reports.arn}/settlement/*"]
  }

  # The nightly clean-up deletes the logs of the runs that it deletes, which it has to find first.
  statement {
    sid       = "WriteAndDeleteComputeLogs"
    actions   = ["s3:PutObject", "s3:GetObject", "s3:DeleteObject"]
    resources = ["${module.compute_logs.arn}/compute-logs/*"]
  }

  statement {
    sid       = "FindComputeLogs"
    actions   = ["s3:ListBucket"]
    resources = [module.compute_logs.arn]

    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["compute-logs/*"]
    }
  }

  statement {
    sid       = "UseKey"
    actions   = ["kms:GenerateDataKey", "kms:Decrypt"]
    resources = [module.encryption.key_arn]
  }
}

data "aws_iam_policy_document" "overflow" {
  statement {
    sid       = "ConsumeQueue"
    actions   = concat(local.queue_lookup, local.queue_consume)
    resources = [module.queue.arn]
  }

  statement {
    sid       = "LookAtDeadLetters"
    actions   = local.queue_lookup
    resources = [module.queue.dead_letter_arn]
  }

  statement {
    sid       = "DecryptMessages"
    actions   = ["kms:Decrypt"]
    resources = [module.encryption.key_arn]
  }
}

# The webservers show compute logs.
data "aws_iam_policy_document" "look_at_runs" {
  statement {
    sid       = "ReadComputeLogs"
    actions   = ["s3:GetObject"]
    resources = ["${module.compute_logs.arn}/compute-logs/*"]
  }

  statement {
    sid       = "ListComputeLogs"
    actions   = ["s3:ListBucket"]
    resources = [module.compute_logs.arn]
  }

  statement {
    sid       = "DecryptComputeLogs"
    actions   = ["kms:Decrypt"]
    resources = [module.encryption.key_arn]
  }

  # The launcher of Dagster's instance reads it at every start. ECS has no resource for this action.
  statement {
    sid       = "LookUpRunTask"
    actions   = ["ecs:DescribeTaskDefinition"]
    resources = ["*"]
  }
}

# The operators' webserver stops a run that somebody terminates.
data "aws_iam_policy_document" "stop_runs" {
  statement {
    sid       = "StopRuns"
    actions   = ["ecs:DescribeTasks", "ecs:StopTask"]
    resources = [local.ecs_tasks]
  }
}

# `dagster instance migrate` loads the instance, and so its launcher.
data "aws_iam_policy_document" "migrate" {
  # ECS has no resource for this action.
  statement {
    sid       = "LookUpRunTask"
    actions   = ["ecs:DescribeTaskDefinition"]
    resources = ["*"]
  }
}

# The daemon starts runs: this task definition, in this cluster, with these two roles, and nothing else.
data "aws_iam_policy_document" "daemon" {
  statement {
    sid       = "StartRuns"
    actions   = ["ecs:RunTask"]
    resources = ["${local.ecs_arn}:task-definition/${module.run_task.family}:*"]

    condition {
      test     = "ArnEquals"
      variable = "ecs:cluster"
      values   = [aws_ecs_cluster.this.arn]
    }
  }

  statement {
    sid       = "TagRunsAtStart"
    actions   = ["ecs:TagResource"]
    resources = [local.ecs_tasks]

    condition {
      test     = "StringEquals"
      variable = "ecs:CreateAction"
      values   = ["RunTask"]
    }
  }

  statement {
    sid       = "WatchAndStopRuns"
    actions   = ["ecs:DescribeTasks", "ecs:StopTask"]
    resources = [local.ecs_tasks]
  }

  statement {
    sid       = "PassRunRoles"
    actions   = ["iam:PassRole"]
    resources = module.run_task.role_arns

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["ecs-tasks.amazonaws.com"]
    }
  }

  statement {
    sid       = "ReadLogOfFailedRuns"
    actions   = ["logs:GetLogEvents"]
    resources = ["${module.run_task.log_group.arn}:log-stream:*"]
  }

  # AWS has no resources for these two: the launcher reads the definition, and its own network interface to copy from.
  statement {
    sid       = "LookUpRunTaskAndNetwork"
    actions   = ["ecs:DescribeTaskDefinition", "ec2:DescribeNetworkInterfaces"]
    resources = ["*"]
  }
}

# An operator's command may put a new API key away; it can read none back.
data "aws_iam_policy_document" "operator" {
  statement {
    sid       = "PutApiKeysAway"
    actions   = ["secretsmanager:CreateSecret"]
    resources = ["arn:${local.partition}:secretsmanager:${local.region}:${local.account}:secret:${local.api_key_secrets}*"]
  }

  statement {
    sid       = "EncryptApiKeys"
    actions   = ["kms:GenerateDataKey", "kms:Decrypt"]
    resources = [module.encryption.key_arn]
  }

  # `psp explain` says where a merchant's report is, if it is there.
  statement {
    sid       = "ReadReports"
    actions   = ["s3:GetObject"]
    resources = ["${module.reports.arn}/settlement/*"]
  }
}

# Only the setup task makes up secrets; the administrator's password is one that it is started with.
data "aws_iam_policy_document" "setup" {
  statement {
    sid       = "WriteSecrets"
    actions   = ["secretsmanager:PutSecretValue", "secretsmanager:DescribeSecret"]
    resources = [for secret in aws_secretsmanager_secret.this : secret.arn]
  }

  statement {
    sid       = "EncryptSecrets"
    actions   = ["kms:GenerateDataKey", "kms:Decrypt"]
    resources = [module.encryption.key_arn]
  }
}
