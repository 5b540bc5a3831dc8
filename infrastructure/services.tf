# What runs all the time. Nothing before the first release: services_enabled is false until there is an image.
locals {
  # Services that always have a task. The overflow consumers have none on a quiet day.
  running = var.services_enabled ? toset(["api", "webserver", "viewers-webserver", "daemon", "code-server"]) : toset([])
}

module "api_edge" {
  source = "./modules/edge"

  name                      = "${local.name}-api"
  domain                    = var.api.domain
  zone_id                   = var.zone_id
  certificate_arn           = var.api.certificate_arn
  port                      = local.ports.api
  health_path               = "/health/ready"
  inside_only_paths         = ["/metrics*", "/health*"]
  requests_per_address_5min = var.requests_per_address_5min
  # Merchants' programs often send no User-Agent, and a batch is longer than the 8 KiB of the size rule.
  counted_rules = ["NoUserAgent_HEADER", "SizeRestrictions_BODY"]

  vpc_id             = module.network.vpc_id
  subnet_ids         = module.network.public_subnet_ids
  security_group_id  = module.network.security_group_ids["api_balancer"]
  access_logs_bucket = module.access_logs.name
  log_retention_days = var.retention_days.logs
  kms_key_arn        = module.encryption.key_arn
}

module "operations_edge" {
  source = "./modules/edge"

  name                      = "${local.name}-operations"
  domain                    = var.operations.domain
  zone_id                   = var.zone_id
  certificate_arn           = var.operations.certificate_arn
  port                      = local.ports.webserver
  health_path               = "/server_info"
  requests_per_address_5min = 10000
  # Dagster's GraphQL queries are longer than the 8 KiB of that rule.
  counted_rules = ["SizeRestrictions_BODY"]

  redirects_plain_http = true
  oidc                 = var.operations.oidc
  oidc_client_secret   = var.oidc_client_secret

  vpc_id             = module.network.vpc_id
  subnet_ids         = module.network.public_subnet_ids
  security_group_id  = module.network.security_group_ids["operations_balancer"]
  access_logs_bucket = module.access_logs.name
  log_retention_days = var.retention_days.logs
  kms_key_arn        = module.encryption.key_arn
}

# Who may log in where is the identity provider's to say: the two are different clients of it.
module "viewers_edge" {
  source = "./modules/edge"

  name                      = "${local.name}-viewers"
  domain                    = var.viewers.domain
  zone_id                   = var.zone_id
  certificate_arn           = var.viewers.certificate_arn
  port                      = local.ports.webserver
  health_path               = "/server_info"
  requests_per_address_5min = 10000
  counted_rules             = ["SizeRestrictions_BODY"]

  redirects_plain_http = true
  oidc                 = var.viewers.oidc
  oidc_client_secret   = var.viewers_oidc_client_secret

  vpc_id             = module.network.vpc_id
  subnet_ids         = module.network.public_subnet_ids
  security_group_id  = module.network.security_group_ids["viewers_balancer"]
  access_logs_bucket = module.access_logs.name
  log_retention_days = var.retention_days.logs
  kms_key_arn        = module.encryption.key_arn
}

module "api" {
  source = "./modules/service"
  count  = var.services_enabled ? 1 : 0

  service             = "api"
  task_definition_arn = module.api_task.definition_arn
  tasks               = var.api_tasks
  target              = { group_arn = module.api_edge.target_group_arn, port = local.ports.api }

  cluster_name      = aws_ecs_cluster.this.name
  cluster_arn       = aws_ecs_cluster.this.arn
  subnet_ids        = module.network.private_subnet_ids
  security_group_id = module.network.security_group_ids["api"]
}

module "webserver" {
  source = "./modules/service"
  count  = var.services_enabled ? 1 : 0

  service             = "webserver"
  task_definition_arn = module.webserver_task.definition_arn
  target              = { group_arn = module.operations_edge.target_group_arn, port = local.ports.webserver }

  cluster_name      = aws_ecs_cluster.this.name
  cluster_arn       = aws_ecs_cluster.this.arn
  subnet_ids        = module.network.private_subnet_ids
  security_group_id = module.network.security_group_ids["webserver"]
}

module "viewers_webserver" {
  source = "./modules/service"
  count  = var.services_enabled ? 1 : 0

  service             = "viewers-webserver"
  task_definition_arn = module.viewers_webserver_task.definition_arn
  target              = { group_arn = module.viewers_edge.target_group_arn, port = local.ports.webserver }

  cluster_name      = aws_ecs_cluster.this.name
  cluster_arn       = aws_ecs_cluster.this.arn
  subnet_ids        = module.network.private_subnet_ids
  security_group_id = module.network.security_group_ids["viewers_webserver"]
}

module "daemon" {
  source = "./modules/service"
  count  = var.services_enabled ? 1 : 0

  service             = "daemon"
  task_definition_arn = module.daemon_task.definition_arn
  singleton           = true

  cluster_name      = aws_ecs_cluster.this.name
  cluster_arn       = aws_ecs_cluster.this.arn
  subnet_ids        = module.network.private_subnet_ids
  security_group_id = module.network.security_group_ids["daemon"]
}

module "code_server" {
  source = "./modules/service"
  count  = var.services_enabled ? 1 : 0

  service             = "code-server"
  task_definition_arn = module.code_server_task.definition_arn
  registry            = { arn = aws_service_discovery_service.code_server.arn }

  cluster_name      = aws_ecs_cluster.this.name
  cluster_arn       = aws_ecs_cluster.this.arn
  subnet_ids        = module.network.private_subnet_ids
  security_group_id = module.network.security_group_ids["code_server"]
}

module "overflow" {
  source = "./modules/service"
  count  = var.services_enabled && var.overflow.tasks_max > 0 ? 1 : 0

  service             = "overflow"
  task_definition_arn = module.overflow_task.definition_arn
  tasks               = { min = 0, max = var.overflow.tasks_max }
  queue_scaling       = { queue_name = module.queue.name, messages_per_task = var.overflow.messages_per_task }

  cluster_name      = aws_ecs_cluster.this.name
  cluster_arn       = aws_ecs_cluster.this.arn
  subnet_ids        = module.network.private_subnet_ids
  security_group_id = module.network.security_group_ids["overflow"]
}

resource "aws_service_discovery_service" "code_server" {
  name = "code-server"

  dns_config {
    namespace_id = aws_service_discovery_private_dns_namespace.this.id

    dns_records {
      type = "A"
      ttl  = 10
    }
  }
}

module "observability" {
  source = "./modules/observability"

  name               = local.name
  topic_arn          = aws_sns_topic.alerts.arn
  api_balancer       = module.api_edge.balancer_dimension
  api_target_group   = module.api_edge.target_group_dimension
  cluster_name       = aws_ecs_cluster.this.name
  services           = local.running
  queue              = { name = module.queue.name, dead_letter_name = module.queue.dead_letter_name }
  log_groups         = { api = module.api_task.log_group.name, run = module.run_task.log_group.name }
  monthly_budget_usd = var.monthly_budget_usd

  database = {
    identifier = module.database.identifier
    replicas   = module.database.replica_identifiers
    storage_gb = var.database_storage_gb
  }
}
