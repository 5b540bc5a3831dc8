# Tasks that somebody starts with bin/run-task; tasks.tf has what all tasks share.

# Started by hand, by bin/run-task, before the services of a release roll: the application's schema, then Dagster's.
module "migrate_task" {
  source = "./modules/task"

  name        = local.name
  task        = "migrate"
  image       = local.migrations_image
  command     = ["sh", "-c", "psp migrate && dagster instance migrate"]
  size        = { cpu = 256, memory_mib = 1024 }
  environment = merge(local.application_environment, local.launcher_environment)
  secrets     = local.migration_secrets
  parameters  = local.parameters
  policies    = { migrate = data.aws_iam_policy_document.migrate.json }

  repository_arn     = aws_ecr_repository.image.arn
  cpu_architecture   = var.cpu_architecture
  log_retention_days = var.retention_days.logs
  kms_key_arn        = module.encryption.key_arn
}

# Started by hand, with a command of the operator's: API keys, fee plans, the check of the books.
module "operator_task" {
  source = "./modules/task"

  name    = local.name
  task    = "operator"
  image   = local.image
  command = ["psp", "--help"]
  size    = { cpu = 256, memory_mib = 512 }
  environment = merge(local.application_environment, {
    PSP_AUTH_MODE = "api-key"
    # The output of a task is a log: a new key becomes a secret, and only its name is shown.
    PSP_API_KEY_SECRET_PREFIX  = local.api_key_secrets
    PSP_API_KEY_SECRET_KMS_KEY = module.encryption.key_arn
  })
  secrets    = local.operator_secrets
  parameters = local.parameters
  policies   = { operator = data.aws_iam_policy_document.operator.json }

  repository_arn     = aws_ecr_repository.image.arn
  cpu_architecture   = var.cpu_architecture
  log_retention_days = var.retention_days.logs
  kms_key_arn        = module.encryption.key_arn
}

# Started by hand, once: makes the databases, their users and every secret.
module "setup_task" {
  source = "./modules/task"

  name    = local.name
  task    = "setup"
  image   = local.migrations_image
  command = ["python", "-c", file("${path.root}/bin/setup_database.py")]
  size    = { cpu = 256, memory_mib = 512 }

  environment = {
    PGHOST     = module.database.address
    PGPORT     = tostring(module.database.port)
    PGUSER     = module.database.administrator
    PGDATABASE = "postgres"

    ADMINISTRATOR_PASSWORD_ARN = aws_secretsmanager_secret.this["administrator-password"].arn
    DATABASE_URL_ARN           = aws_secretsmanager_secret.this["database-url"].arn
    API_DATABASE_URL_ARN       = aws_secretsmanager_secret.this["api-database-url"].arn
    READS_DATABASE_URL_ARN     = aws_secretsmanager_secret.this["reads-database-url"].arn
    RELAY_DATABASE_URL_ARN     = aws_secretsmanager_secret.this["relay-database-url"].arn
    RUNS_DATABASE_URL_ARN      = aws_secretsmanager_secret.this["runs-database-url"].arn
    OPERATOR_DATABASE_URL_ARN  = aws_secretsmanager_secret.this["operator-database-url"].arn
    WEBSERVER_DATABASE_URL_ARN = aws_secretsmanager_secret.this["webserver-database-url"].arn
    SUPPORT_DATABASE_URL_ARN   = aws_secretsmanager_secret.this["support-database-url"].arn
    DAGSTER_PASSWORD_ARN       = aws_secretsmanager_secret.this["dagster-password"].arn
    API_KEY_PEPPER_ARN         = aws_secretsmanager_secret.this["api-key-pepper"].arn
  }

  secrets    = merge(local.certificate_secrets, { PGPASSWORD = aws_secretsmanager_secret.this["administrator-password"].arn })
  parameters = local.parameters
  policies   = { setup = data.aws_iam_policy_document.setup.json }

  repository_arn     = aws_ecr_repository.image.arn
  cpu_architecture   = var.cpu_architecture
  log_retention_days = var.retention_days.logs
  kms_key_arn        = module.encryption.key_arn
}
