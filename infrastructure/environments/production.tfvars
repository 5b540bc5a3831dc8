# Production. Replace what says example, and the account's ids.
environment  = "production"
image_digest = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
zone_id      = "Z0EXAMPLE0PRODUCTION"
alert_emails = ["payments@example.com"]

api = {
  domain          = "api.example.com"
  certificate_arn = "arn:aws:acm:sa-east-1:222222222222:certificate/00000000-0000-0000-0000-000000000001"
}

operations = {
  domain          = "dagster.example.com"
  certificate_arn = "arn:aws:acm:sa-east-1:222222222222:certificate/00000000-0000-0000-0000-000000000002"
  ingress_cidrs   = ["192.0.2.0/24"]

  oidc = {
    issuer                 = "https://login.example.com"
    authorization_endpoint = "https://login.example.com/authorize"
    token_endpoint         = "https://login.example.com/token"
    user_info_endpoint     = "https://login.example.com/userinfo"
    client_id              = "psp-production"
  }
}

viewers = {
  domain          = "viewers.example.com"
  certificate_arn = "arn:aws:acm:sa-east-1:222222222222:certificate/00000000-0000-0000-0000-000000000003"
  ingress_cidrs   = ["192.0.2.0/24"]

  oidc = {
    issuer                 = "https://login.example.com"
    authorization_endpoint = "https://login.example.com/authorize"
    token_endpoint         = "https://login.example.com/token"
    user_info_endpoint     = "https://login.example.com/userinfo"
    client_id              = "psp-production-viewers"
  }
}

zones              = ["sa-east-1a", "sa-east-1b", "sa-east-1c"]
api_tasks          = { min = 3, max = 12 }
overflow           = { tasks_max = 4, messages_per_task = 2000 }
monthly_budget_usd = 3000

sizes = {
  api         = { cpu = 2048, memory_mib = 4096 }
  code_server = { cpu = 1024, memory_mib = 2048 }
  run         = { cpu = 1024, memory_mib = 2048 }
}

database_instance_class        = "db.m7g.large"
database_storage_gb            = 500
database_read_replica          = true
database_backup_retention_days = 35

application_settings = {
  PSP_TIME_ZONE   = "America/Sao_Paulo"
  PSP_API_WORKERS = "2"
}
