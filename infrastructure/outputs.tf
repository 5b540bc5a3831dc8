output "repository_url" {
  description = "Where the image is copied to."
  value       = aws_ecr_repository.image.repository_url
}

output "cluster" {
  description = "ECS cluster."
  value       = aws_ecs_cluster.this.name
}

output "one_off_tasks" {
  description = "Task definitions that bin/run-task starts."
  value = {
    setup    = module.setup_task.definition_arn
    migrate  = module.migrate_task.definition_arn
    operator = module.operator_task.definition_arn
  }
}

output "one_off_network" {
  description = "Network configuration that bin/run-task starts them with."
  value = jsonencode({
    awsvpcConfiguration = {
      subnets        = module.network.private_subnet_ids
      securityGroups = [module.network.security_group_ids["maintenance"]]
      assignPublicIp = "DISABLED"
    }
  })
}

output "database_ca_parameter" {
  description = "Parameter that holds the certificates which the database's own is verified against."
  value       = aws_ssm_parameter.database_ca.name
}

output "urls" {
  description = "Where merchants, operators and viewers go."
  value       = { api = "https://${var.api.domain}", operations = "https://${var.operations.domain}", viewers = "https://${var.viewers.domain}" }
}

output "dashboard" {
  description = "Name of the CloudWatch dashboard."
  value       = module.observability.dashboard_name
}

output "alarms" {
  description = "Names of the alarms that alert."
  value       = module.observability.alarm_names
}
