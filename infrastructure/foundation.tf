# What outlives every release: key, network, database, queue, buckets, registry, cluster, secrets, the alert topic.
locals {
  name = "psp-${var.environment}"
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

module "encryption" {
  source = "./modules/encryption"

  name = local.name
}

module "network" {
  source = "./modules/network"

  name                     = local.name
  cidr                     = var.vpc_cidr
  zones                    = var.zones
  api_ingress_cidrs        = var.api.ingress_cidrs
  operations_ingress_cidrs = var.operations.ingress_cidrs
  viewers_ingress_cidrs    = var.viewers.ingress_cidrs
  collector                = var.collector
  log_retention_days       = var.retention_days.logs
  kms_key_arn              = module.encryption.key_arn
}

module "database" {
  source = "./modules/database"

  name                  = local.name
  engine_version        = var.database_engine_version
  instance_class        = var.database_instance_class
  storage_gb            = var.database_storage_gb
  multi_az              = var.database_multi_az
  read_replica          = var.database_read_replica
  deletion_protection   = var.database_deletion_protection
  backup_retention_days = var.database_backup_retention_days
  first_password        = var.database_first_password
  log_retention_days    = var.retention_days.logs
  subnet_ids            = module.network.private_subnet_ids
  security_group_id     = module.network.security_group_ids["database"]
  kms_key_arn           = module.encryption.key_arn
}

module "queue" {
  source = "./modules/queue"

  name        = "psp-transactions"
  kms_key_arn = module.encryption.key_arn
}

module "access_logs" {
  source = "./modules/bucket"

  name              = "${local.name}-access-logs"
  takes_access_logs = true
  expire_days       = var.retention_days.access_logs
  kms_key_arn       = module.encryption.key_arn
}

module "reports" {
  source = "./modules/bucket"

  name               = "${local.name}-reports"
  access_logs_bucket = module.access_logs.name
  kms_key_arn        = module.encryption.key_arn
}

module "compute_logs" {
  source = "./modules/bucket"

  name               = "${local.name}-compute-logs"
  expire_days        = var.retention_days.compute_logs
  access_logs_bucket = module.access_logs.name
  kms_key_arn        = module.encryption.key_arn
}

# One image serves every process, and is started by its digest. Tags, for people, are never moved.
resource "aws_ecr_repository" "image" {
  name                 = local.name
  image_tag_mutability = "IMMUTABLE"

  image_scanning_configuration {
    scan_on_push = true
  }

  encryption_configuration {
    encryption_type = "KMS"
    kms_key         = module.encryption.key_arn
  }
}

resource "aws_ecr_lifecycle_policy" "image" {
  repository = aws_ecr_repository.image.name

  policy = jsonencode({
    rules = [{
      rulePriority = 1
      description  = "Keep what a rollback could need"
      selection    = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 50 }
      action       = { type = "expire" }
    }]
  })
}

resource "aws_ecs_cluster" "this" {
  name = local.name

  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

resource "aws_service_discovery_private_dns_namespace" "this" {
  name        = "${local.name}.internal"
  description = "Names of tasks that other tasks call"
  vpc         = module.network.vpc_id
}

# Their values come from the setup task, which makes them up where nobody sees them: none is in this state.
resource "aws_secretsmanager_secret" "this" {
  #checkov:skip=CKV2_AWS_57:the setup task makes new passwords when it is run again; the pepper must never change

  for_each = {
    database-url           = "Connection of the tables' owner, for migrations alone"
    api-database-url       = "Connection of the API: intake and keys"
    reads-database-url     = "Connection of the API: what merchants read"
    relay-database-url     = "Connection of the API: the outbox"
    runs-database-url      = "Connection of Dagster's code and of the overflow consumers"
    operator-database-url  = "Connection of an operator's commands"
    webserver-database-url = "Connection of Dagster's webserver: what is done on its pages"
    support-database-url   = "Connection of a person who only looks; no task has it"
    administrator-password = "Password of the database's administrator, for the setup task alone"
    dagster-password       = "Password of Dagster's database user"
    api-key-pepper         = "Pepper that API keys are hashed with; changing it revokes every key"
  }

  name                    = "${local.name}/${each.key}"
  description             = each.value
  kms_key_id              = module.encryption.key_arn
  recovery_window_in_days = 30
}

# Public, and five kilobytes long: hence a parameter of the advanced tier. docs/deploy.md says where to get it.
resource "aws_ssm_parameter" "database_ca" {
  name        = "/${local.name}/database-ca"
  description = "Certificates that the database's certificate is verified against, PEM"
  type        = "SecureString"
  key_id      = module.encryption.key_arn
  tier        = "Advanced"
  value       = "not set yet"

  lifecycle {
    ignore_changes = [value]
  }
}

resource "aws_sns_topic" "alerts" {
  name              = "${local.name}-alerts"
  kms_master_key_id = module.encryption.key_arn
}

resource "aws_sns_topic_subscription" "email" {
  for_each = var.alert_emails

  topic_arn = aws_sns_topic.alerts.arn
  protocol  = "email"
  endpoint  = each.value
}

resource "aws_sns_topic_policy" "alerts" {
  arn = aws_sns_topic.alerts.arn

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "PublishFromThisAccount"
      Effect    = "Allow"
      Action    = "sns:Publish"
      Resource  = aws_sns_topic.alerts.arn
      Principal = { Service = ["cloudwatch.amazonaws.com", "budgets.amazonaws.com", "events.rds.amazonaws.com"] }
      Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id } }
    }]
  })
}
