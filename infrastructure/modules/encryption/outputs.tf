output "key_arn" {
  description = "ARN of the key that encrypts data at rest."
  value       = aws_kms_key.this.arn
}
