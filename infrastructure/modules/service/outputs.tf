output "name" {
  description = "Name of the service, as in CloudWatch's dimension ServiceName."
  value       = aws_ecs_service.this.name
}
