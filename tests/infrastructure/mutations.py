"""Ways to break the configuration: a file, what stands there, what stands there instead."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Mutation(NamedTuple):
    name: str
    file: str
    old: str
    new: str

    def apply(self, folder: Path) -> None:
        """Change the file below `folder`; a mutation that no longer fits is an error of the test."""
        path = folder / self.file
        text = path.read_text()
        assert self.old in text, f"{self.name}: {self.file} has no {self.old!r}"
        path.write_text(text.replace(self.old, self.new, 1))


DATABASE, QUEUE, BUCKET = "modules/database/main.tf", "modules/queue/main.tf", "modules/bucket/main.tf"
EDGE, SERVICE, TASK = "modules/edge/main.tf", "modules/service/main.tf", "modules/task/main.tf"
ALARMS, PRODUCTION = "modules/observability/alarms.tf", "environments/production.tfvars"

UNSAFE = [
    Mutation("no standby in production", PRODUCTION, "zone_id ", "database_multi_az = false\nzone_id "),
    Mutation("misspelt multi_az", DATABASE, "multi_az               =", "multi_zone             ="),
    Mutation(
        "deletable database",
        DATABASE,
        "deletion_protection       = var.deletion_protection",
        "deletion_protection = false",
    ),
    Mutation("plain storage", DATABASE, "storage_encrypted     = true", "storage_encrypted     = false"),
    Mutation("public database", DATABASE, "publicly_accessible    = false", "publicly_accessible    = true"),
    Mutation(
        "TLS not forced",
        DATABASE,
        'name  = "rds.force_ssl"\n    value = "1"',
        'name  = "rds.force_ssl"\n    value = "0"',
    ),
    Mutation("statements logged", DATABASE, 'value = "ddl"', 'value = "all"'),
    Mutation("failed statements logged", DATABASE, '= "panic"', '= "error"'),
    Mutation("slow statements logged", DATABASE, 'log_min_duration_statement        = "-1"', "# nothing"),
    Mutation("nothing kept silent", DATABASE, 'dynamic "parameter"', 'dynamic "tag"'),
    Mutation(
        "one day of backups", PRODUCTION, "database_backup_retention_days = 35", "database_backup_retention_days = 1"
    ),
    Mutation(
        "no insights", DATABASE, "performance_insights_enabled          = true", "performance_insights_enabled = false"
    ),
    Mutation("certificate not verified", TASK, '"verify-full"', '"require"'),
    Mutation("plain queue", QUEUE, "kms_master_key_id ", "# kms_master_key_id "),
    Mutation("no redrive", QUEUE, "redrive_policy = jsonencode({\n    deadLetter", "tags = ({\n    deadLetter"),
    Mutation("patient redrive", QUEUE, "maxReceiveCount     = 5", "maxReceiveCount     = 500"),
    Mutation("short visibility", QUEUE, "visibility_timeout_seconds        = 120", "visibility_timeout_seconds = 12"),
    Mutation("forgetful queue", QUEUE, "14 * 24 * 60 * 60", "60 * 60"),
    Mutation("public bucket", BUCKET, "block_public_policy     = true", "block_public_policy     = false"),
    Mutation("no versions", BUCKET, 'status = "Enabled"', 'status = "Suspended"'),
    Mutation("plain HTTP to the bucket", BUCKET, '"aws:SecureTransport"', '"aws:PrincipalIsAWSService"'),
    Mutation(
        "key for ever", "modules/encryption/main.tf", "enable_key_rotation     = true", "enable_key_rotation = false"
    ),
    Mutation("movable tags", "foundation.tf", '"IMMUTABLE"', '"MUTABLE"'),
    Mutation("unscanned images", "foundation.tf", "scan_on_push = true", "scan_on_push = false"),
    Mutation("plain topic", "foundation.tf", "kms_master_key_id =", "display_name ="),
    Mutation("log for ever", TASK, "retention_in_days =", "skip_destroy ="),
    Mutation("wildcard action", "permissions.tf", '"sqs:ChangeMessageVisibility"', '"sqs:*"'),
    Mutation("wildcard action in place", "permissions.tf", 'actions   = ["sns:Publish"]', 'actions   = ["sns:*"]'),
    Mutation("wildcard resource", "permissions.tf", "resources = [aws_sns_topic.alerts.arn]", 'resources = ["*"]'),
    Mutation(
        "API that receives", "permissions.tf", 'concat(local.queue_lookup, ["sqs:SendMessage"])', "local.queue_consume"
    ),
    Mutation("daemon that passes any role", "permissions.tf", "module.run_task.role_arns", '["arn:aws:iam::1:role/x"]'),
    Mutation("daemon that starts any task", "permissions.tf", "${module.run_task.family}", "psp-any"),
    Mutation("writable root", TASK, "readonlyRootFilesystem = true", "readonlyRootFilesystem = false"),
    Mutation("kept capabilities", TASK, 'drop = ["ALL"]', 'drop = ["SYS_PTRACE"]'),
    Mutation("secret in plain sight", "tasks.tf", 'PSP_AUTH_MODE = "api-key"', 'PSP_API_KEY_PEPPER = "salt"'),
    Mutation("API as the owner", "tasks.tf", 'this["api-database-url"]', 'this["database-url"]'),
    Mutation(
        "runs with the operator's login", "tasks.tf", 'this["runs-database-url"]', 'this["operator-database-url"]'
    ),
    Mutation(
        "webserver with the runs' login",
        "tasks.tf",
        'PSP_DATABASE_URL = aws_secretsmanager_secret.this["webserver-database-url"]',
        'PSP_DATABASE_URL = aws_secretsmanager_secret.this["runs-database-url"]',
    ),
    Mutation(
        "no rate limit", "tasks.tf", 'PSP_API_RATE_LIMIT_PER_MINUTE = "60000"', 'PSP_API_RATE_LIMIT_PER_MINUTE = "0"'
    ),
    Mutation("everybody at one address", "tasks.tf", ', PSP_API_TRUSTED_PROXIES = "1"', ""),
    Mutation("no rollback", SERVICE, "rollback = true", "rollback = false"),
    Mutation("public tasks", SERVICE, "assign_public_ip = false", "assign_public_ip = true"),
    Mutation("two daemons", "services.tf", "singleton           = true", "singleton           = false"),
    Mutation("plain HTTP answered", EDGE, 'type = "redirect"', 'type = "forward"'),
    Mutation("old TLS", EDGE, "ELBSecurityPolicy-TLS13-1-2-Res-2021-06", "ELBSecurityPolicy-2016-08"),
    Mutation("Dagster without login", "services.tf", "oidc               = var.operations.oidc", "oidc = null"),
    Mutation("Dagster for the world", PRODUCTION, '"192.0.2.0/24"', '"0.0.0.0/0"'),
    Mutation("metrics for the world", "services.tf", '"/metrics*", ', ""),
    Mutation("keys in a log", "tasks.tf", "PSP_API_KEY_SECRET_PREFIX ", "PSP_API_KEY_PREFIX "),
    Mutation(
        "code server for the API",
        "modules/network/security_groups.tf",
        'daemon_to_code_server            = { from = "daemon"',
        'daemon_to_code_server            = { from = "api"',
    ),
    Mutation("no firewall", "modules/edge/firewall.tf", '"aws_wafv2_web_acl_association"', '"aws_wafv2_ip_set"'),
    Mutation(
        "S3 for everybody",
        "modules/network/endpoints.tf",
        "  policy            = data.aws_iam_policy_document.s3_gateway.json\n",
        "",
    ),
    Mutation("S3 anywhere", "modules/network/endpoints.tf", '"aws:ResourceAccount"', '"aws:SourceAccount"'),
    Mutation("no endpoint", "modules/network/endpoints.tf", '"sqs", ', ""),
    Mutation("dead letters unseen", ALARMS, "dead-letters = {", "dead-messages = {"),
    Mutation("silent alarms", ALARMS, "alarm_actions       = [var.topic_arn]", "# alarm_actions = []"),
    Mutation("variable without description", "capacity.tf", "description =", "# description ="),
]

# What only Terraform, which knows the provider's schema, can see.
INVALID = [
    Mutation("unknown argument", QUEUE, "receive_wait_time_seconds ", "receive_wait_time_secs "),
    Mutation("unknown block", SERVICE, "deployment_circuit_breaker {", "deployment_circuit_braker {"),
    Mutation("wrong type", DATABASE, "monitoring_interval                   = 60", 'monitoring_interval = "often"'),
    Mutation("unknown reference", "services.tf", "module.api_task.definition_arn", "module.api_job.definition_arn"),
    Mutation("missing argument", "foundation.tf", "  cidr                     = var.vpc_cidr\n", ""),
    Mutation("task that Fargate lacks", "capacity.tf", "memory_mib = 1024 }", "memory_mib = 640 }"),
    Mutation("environment that is none", "terraform.tfvars", '"staging"', '"laptop"'),
]
