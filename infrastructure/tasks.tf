# Every kind of task. One image serves them all; what differs is command, size, secrets and permissions.
locals {
  image            = "${aws_ecr_repository.image.repository_url}@${var.image_digest}"
  migrations_image = "${aws_ecr_repository.image.repository_url}@${coalesce(var.migrations_image_digest, var.image_digest)}"

  api_key_secrets = "${local.name}/api-keys/"

  ports = { api = 3000, webserver = 3001, code_server = 4000 }

  application_environment = merge(var.application_settings, {
    PSP_SQS_QUEUE_NAME = module.queue.name
    PSP_REPORTS_URL    = local.reports_url
    PSP_OPERATIONS_URL = "https://${var.operations.domain}"
  })

  reports_url = "s3://${module.reports.name}/settlement"

  # Of those whose programs make traces: modules/network/security_groups.tf lets them reach the collector.
  traces_environment = merge([for collector in var.collector[*] : {
    OTEL_EXPORTER_OTLP_ENDPOINT = "https://${collector.domain}:${collector.port}"
    OTEL_RESOURCE_ATTRIBUTES    = "deployment.environment.name=${var.environment}"
  }]...)

  dagster_environment = {
    PSP_DAGSTER_YAML   = file("${path.root}/dagster.yaml")
    DAGSTER_HOME       = "/tmp/dagster"
    DAGSTER_PG_HOST    = module.database.address
    DAGSTER_PG_PORT    = tostring(module.database.port)
    DAGSTER_PG_USER    = "dagster"
    DAGSTER_PG_DB      = "dagster"
    DAGSTER_CODE_HOST  = "code-server.${aws_service_discovery_private_dns_namespace.this.name}"
    DAGSTER_CODE_PORT  = tostring(local.ports.code_server)
    DAGSTER_LOG_BUCKET = module.compute_logs.name
  }

  # For those that start or stop runs: the revision of this release, so that a rollback takes the runs along.
  launcher_environment = merge(local.dagster_environment, { DAGSTER_RUN_TASK_DEFINITION = module.run_task.definition_arn })

  certificate_secrets = { PSP_DATABASE_CA_PEM = "arn:${local.partition}:ssm:${local.region}:${local.account}:parameter${aws_ssm_parameter.database_ca.name}" }
  dagster_secrets     = merge(local.certificate_secrets, { DAGSTER_PG_PASSWORD = aws_secretsmanager_secret.this["dagster-password"].arn })

  # Each program's own logins: docs/decisions/013-a-login-for-each-program.md.
  api_secrets = merge(local.certificate_secrets, {
    PSP_DATABASE_URL       = aws_secretsmanager_secret.this["api-database-url"].arn
    PSP_READ_DATABASE_URL  = aws_secretsmanager_secret.this["reads-database-url"].arn
    PSP_RELAY_DATABASE_URL = aws_secretsmanager_secret.this["relay-database-url"].arn
    PSP_API_KEY_PEPPER     = aws_secretsmanager_secret.this["api-key-pepper"].arn
  })

  runs_secrets = merge(local.certificate_secrets, { PSP_DATABASE_URL = aws_secretsmanager_secret.this["runs-database-url"].arn })

  # Who does what: the load balancer puts the login there, and takes away whatever a browser sends under that name.
  webserver_environment = merge(local.launcher_environment, { PSP_ACTOR_HEADER = "x-amzn-oidc-data", PSP_REPORTS_URL = local.reports_url })

  webserver_secrets = merge(local.dagster_secrets, { PSP_DATABASE_URL = aws_secretsmanager_secret.this["webserver-database-url"].arn })

  operator_secrets = merge(local.certificate_secrets, {
    PSP_DATABASE_URL   = aws_secretsmanager_secret.this["operator-database-url"].arn
    PSP_API_KEY_PEPPER = aws_secretsmanager_secret.this["api-key-pepper"].arn
  })

  migration_secrets = merge(local.dagster_secrets, { PSP_DATABASE_URL = aws_secretsmanager_secret.this["database-url"].arn })

  parameters = keys(local.certificate_secrets)
}

module "api_task" {
  source = "./modules/task"

  name    = local.name
  task    = "api"
  image   = local.image
  command = ["gunicorn", "-c", "psp_api/gunicorn_conf.py", "psp_api.main:create_app()"]
  size    = var.sizes.api
  port    = local.ports.api
  environment = merge(
    { PSP_API_RATE_LIMIT_PER_MINUTE = "60000" },
    local.application_environment,
    local.traces_environment,
    # The load balancer adds the address that it was reached from to X-Forwarded-For.
    { PSP_AUTH_MODE = "api-key", PSP_API_BIND = "0.0.0.0:${local.ports.api}", PSP_API_TRUSTED_PROXIES = "1" },
  )
  secrets    = local.api_secrets
  parameters = local.parameters
  policies   = { api = data.aws_iam_policy_document.api.json }

  repository_arn     = aws_ecr_repository.image.arn
  cpu_architecture   = var.cpu_architecture
  log_retention_days = var.retention_days.logs
  kms_key_arn        = module.encryption.key_arn
}

module "webserver_task" {
  source = "./modules/task"

  name        = local.name
  task        = "webserver"
  image       = local.image
  command     = ["python", "-m", "psp_pipelines.access.webserver", "--host", "0.0.0.0", "--port", tostring(local.ports.webserver)]
  size        = var.sizes.webserver
  port        = local.ports.webserver
  environment = local.webserver_environment
  secrets     = local.webserver_secrets
  parameters  = local.parameters
  policies    = { look = data.aws_iam_policy_document.look_at_runs.json, stop = data.aws_iam_policy_document.stop_runs.json }

  repository_arn     = aws_ecr_repository.image.arn
  cpu_architecture   = var.cpu_architecture
  log_retention_days = var.retention_days.logs
  kms_key_arn        = module.encryption.key_arn
}

# For those who only look: it refuses whatever would change something, and could not stop a run.
module "viewers_webserver_task" {
  source = "./modules/task"

  name        = local.name
  task        = "viewers-webserver"
  image       = local.image
  command     = ["python", "-m", "psp_pipelines.access.webserver", "--host", "0.0.0.0", "--port", tostring(local.ports.webserver), "--read-only"]
  size        = var.sizes.webserver
  port        = local.ports.webserver
  environment = local.webserver_environment
  secrets     = local.webserver_secrets
  parameters  = local.parameters
  policies    = { look = data.aws_iam_policy_document.look_at_runs.json }

  repository_arn     = aws_ecr_repository.image.arn
  cpu_architecture   = var.cpu_architecture
  log_retention_days = var.retention_days.logs
  kms_key_arn        = module.encryption.key_arn
}

module "daemon_task" {
  source = "./modules/task"

  name           = local.name
  task           = "daemon"
  image          = local.image
  command        = ["dagster-daemon", "run", "-w", "workspace.yaml"]
  health_command = ["dagster-daemon", "liveness-check"]
  size           = var.sizes.daemon
  # While the code server starts again, a backfill waits for it instead of cancelling its runs.
  environment = merge(local.launcher_environment, { DAGSTER_BACKFILL_RETRY_DEFINITION_CHANGED_ERROR = "1" })
  secrets     = local.dagster_secrets
  parameters  = local.parameters
  policies    = { daemon = data.aws_iam_policy_document.daemon.json }

  repository_arn     = aws_ecr_repository.image.arn
  cpu_architecture   = var.cpu_architecture
  log_retention_days = var.retention_days.logs
  kms_key_arn        = module.encryption.key_arn
}

module "code_server_task" {
  source = "./modules/task"

  name           = local.name
  task           = "code-server"
  image          = local.image
  command        = ["dagster", "code-server", "start", "-h", "0.0.0.0", "-p", tostring(local.ports.code_server), "-m", "psp_pipelines.definitions"]
  health_command = ["dagster", "api", "grpc-health-check", "-p", tostring(local.ports.code_server)]
  size           = var.sizes.code_server
  port           = local.ports.code_server
  # Alarms go out from here.
  environment = merge(local.application_environment, local.dagster_environment, { PSP_ALARM_URL = "sns:${aws_sns_topic.alerts.arn}" })
  secrets     = merge(local.runs_secrets, local.dagster_secrets)
  parameters  = local.parameters
  policies    = { code-server = data.aws_iam_policy_document.code_server.json }

  repository_arn     = aws_ecr_repository.image.arn
  cpu_architecture   = var.cpu_architecture
  log_retention_days = var.retention_days.logs
  kms_key_arn        = module.encryption.key_arn
}

# Started by Dagster's EcsRunLauncher, a task for each run; the launcher brings the command.
module "run_task" {
  source = "./modules/task"

  name           = local.name
  task           = "run"
  container_name = "run"
  image          = local.image
  command        = ["dagster", "--version"]
  size           = var.sizes.run
  tmp_mib        = 256
  environment    = merge(local.application_environment, local.traces_environment, local.dagster_environment)
  secrets        = merge(local.runs_secrets, local.dagster_secrets)
  parameters     = local.parameters
  policies       = { run = data.aws_iam_policy_document.run.json }

  repository_arn     = aws_ecr_repository.image.arn
  cpu_architecture   = var.cpu_architecture
  log_retention_days = var.retention_days.logs
  kms_key_arn        = module.encryption.key_arn
}

# Empties the queue without Dagster: when its drain runs are all busy, or its daemon is down.
module "overflow_task" {
  source = "./modules/task"

  name        = local.name
  task        = "overflow"
  image       = local.image
  command     = ["psp", "drain"]
  size        = var.sizes.run
  environment = merge(local.application_environment, local.traces_environment)
  secrets     = local.runs_secrets
  parameters  = local.parameters
  policies    = { overflow = data.aws_iam_policy_document.overflow.json }

  repository_arn     = aws_ecr_repository.image.arn
  cpu_architecture   = var.cpu_architecture
  log_retention_days = var.retention_days.logs
  kms_key_arn        = module.encryption.key_arn
}
