output "address" {
  description = "Host name of the primary."
  value       = aws_db_instance.primary.address
}

output "port" {
  description = "Port of the primary."
  value       = local.port
}

output "identifier" {
  description = "Identifier of the primary, as in CloudWatch's dimensions."
  value       = aws_db_instance.primary.identifier
}

output "replica_identifiers" {
  description = "Identifiers of the read replicas; empty without one."
  value       = aws_db_instance.replica[*].identifier
}

output "administrator" {
  description = "User name of the administrator."
  value       = aws_db_instance.primary.username
}
