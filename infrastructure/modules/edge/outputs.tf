# The listener is what makes a target group usable: a service that waits for it registers without an error.
output "target_group_arn" {
  description = "Target group to register tasks with, once something listens."
  value       = aws_lb_target_group.this.arn
  depends_on  = [aws_lb_listener.https]
}

output "balancer_dimension" {
  description = "The load balancer as CloudWatch's dimension LoadBalancer."
  value       = aws_lb.this.arn_suffix
}

output "target_group_dimension" {
  description = "The target group as CloudWatch's dimension TargetGroup."
  value       = aws_lb_target_group.this.arn_suffix
}
