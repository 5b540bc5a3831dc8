# PostgreSQL, the only truth of the platform: two zones, encrypted, TLS only, hard to delete.
locals {
  port        = 5432
  identifiers = concat([var.name], var.read_replica ? ["${var.name}-replica"] : [])

  # What merchants send is in statements, into whose text psycopg2 writes the values: neither that nor an error's details
  # may be logged. What is slow is in Performance Insights and pg_stat_statements, without its values.
  silent = {
    log_statement                     = "none"
    log_min_error_statement           = "panic"
    log_error_verbosity               = "terse"
    log_min_duration_statement        = "-1"
    log_min_duration_sample           = "-1"
    log_transaction_sample_rate       = "0"
    log_parameter_max_length          = "0"
    log_parameter_max_length_on_error = "0"
  }

  # As everywhere else: compiling a statement takes longer than running any of ours, and the storage is no spinning disk.
  planner = {
    jit              = "0"
    random_page_cost = "1.1"
  }
}

resource "aws_db_subnet_group" "this" {
  name       = var.name
  subnet_ids = var.subnet_ids
}

resource "aws_db_parameter_group" "this" {
  name        = "${var.name}-postgres${var.engine_version}"
  family      = "postgres${var.engine_version}"
  description = "TLS only, and no statement in the log"

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }

  dynamic "parameter" {
    for_each = merge(local.silent, local.planner)

    content {
      name  = parameter.key
      value = parameter.value
    }
  }

  # A session that forgot its transaction would hold locks and stop vacuum.
  parameter {
    name  = "idle_in_transaction_session_timeout"
    value = "60000"
  }

  parameter {
    name         = "shared_preload_libraries"
    value        = "pg_stat_statements"
    apply_method = "pending-reboot"
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_db_instance" "primary" {
  identifier     = var.name
  engine         = "postgres"
  engine_version = var.engine_version
  instance_class = var.instance_class
  port           = local.port

  # RDS makes no replica of an instance whose password it manages. This one is write-only, so that no state has it, and
  # holds until the setup task has run: it makes up another, which only that task may read.
  username                            = "psp_admin"
  password_wo                         = var.first_password
  password_wo_version                 = 1
  iam_database_authentication_enabled = true

  storage_type          = "gp3"
  allocated_storage     = var.storage_gb
  max_allocated_storage = var.storage_gb * 5
  storage_encrypted     = true
  kms_key_id            = var.kms_key_arn

  multi_az               = var.multi_az
  db_subnet_group_name   = aws_db_subnet_group.this.name
  vpc_security_group_ids = [var.security_group_id]
  publicly_accessible    = false
  parameter_group_name   = aws_db_parameter_group.this.name
  ca_cert_identifier     = "rds-ca-rsa2048-g1"

  backup_retention_period   = var.backup_retention_days
  backup_window             = "04:00-05:00"
  maintenance_window        = "sun:05:30-sun:06:30"
  copy_tags_to_snapshot     = true
  delete_automated_backups  = false
  deletion_protection       = var.deletion_protection
  skip_final_snapshot       = false
  final_snapshot_identifier = "${var.name}-final"

  auto_minor_version_upgrade = true
  apply_immediately          = false

  enabled_cloudwatch_logs_exports       = ["postgresql", "upgrade"]
  database_insights_mode                = "standard"
  performance_insights_enabled          = true
  performance_insights_kms_key_id       = var.kms_key_arn
  performance_insights_retention_period = 7
  monitoring_interval                   = 60
  monitoring_role_arn                   = aws_iam_role.monitoring.arn

  depends_on = [aws_cloudwatch_log_group.exports]
}

# For reports and analysts. It shares the primary's key, parameters and network; its backups are the primary's.
resource "aws_db_instance" "replica" {
  #checkov:skip=CKV_AWS_133:the primary's backups hold all that a replica has
  #checkov:skip=CKV_AWS_157:a replica that is lost is made again
  count = var.read_replica ? 1 : 0

  identifier          = "${var.name}-replica"
  replicate_source_db = aws_db_instance.primary.identifier
  instance_class      = var.instance_class
  storage_encrypted   = true
  multi_az            = false

  vpc_security_group_ids              = [var.security_group_id]
  publicly_accessible                 = false
  parameter_group_name                = aws_db_parameter_group.this.name
  ca_cert_identifier                  = "rds-ca-rsa2048-g1"
  iam_database_authentication_enabled = true

  backup_retention_period    = 0
  copy_tags_to_snapshot      = true
  deletion_protection        = var.deletion_protection
  skip_final_snapshot        = true
  auto_minor_version_upgrade = true

  enabled_cloudwatch_logs_exports       = ["postgresql", "upgrade"]
  database_insights_mode                = "standard"
  performance_insights_enabled          = true
  performance_insights_kms_key_id       = var.kms_key_arn
  performance_insights_retention_period = 7
  monitoring_interval                   = 60
  monitoring_role_arn                   = aws_iam_role.monitoring.arn

  depends_on = [aws_cloudwatch_log_group.exports]
}

# Made here, so that RDS does not make it without a key or an end.
resource "aws_cloudwatch_log_group" "exports" {
  for_each = toset([for pair in setproduct(local.identifiers, ["postgresql", "upgrade"]) : join("/", pair)])

  name              = "/aws/rds/instance/${each.key}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

data "aws_partition" "current" {}

data "aws_iam_policy_document" "monitoring_assume" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["monitoring.rds.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "monitoring" {
  name               = "${var.name}-rds-monitoring"
  assume_role_policy = data.aws_iam_policy_document.monitoring_assume.json
}

resource "aws_iam_role_policy_attachment" "monitoring" {
  role       = aws_iam_role.monitoring.name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
}
