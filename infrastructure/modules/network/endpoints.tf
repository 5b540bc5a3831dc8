# What the tasks call at AWS stays on AWS's network: S3 by a free gateway, the rest by interface endpoints.
locals {
  interface_services = toset([
    "ecr.api", "ecr.dkr",    # pull the image
    "logs",                  # write logs, and read a failed run's
    "secretsmanager", "ssm", # read secrets and parameters at start
    "sqs", "sns",            # the queue, and alerts from failed runs
    "ecs", "ec2",            # Dagster's daemon starts runs, and reads its own network interface to place them
  ])
}

data "aws_caller_identity" "current" {}

data "aws_iam_policy_document" "endpoint" {
  #checkov:skip=CKV_AWS_1:an endpoint's policy only limits what the caller's own policies allow
  #checkov:skip=CKV_AWS_49:an endpoint's policy only limits what the caller's own policies allow

  # Credentials of another account, smuggled into a task, are of no use through these endpoints.
  statement {
    actions   = ["*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:PrincipalAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}

resource "aws_vpc_endpoint" "interface" {
  for_each = local.interface_services

  vpc_id              = aws_vpc.this.id
  service_name        = "com.amazonaws.${data.aws_region.current.region}.${each.key}"
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true
  subnet_ids          = [for subnet in aws_subnet.private : subnet.id]
  security_group_ids  = [aws_security_group.this["endpoints"].id]
  policy              = data.aws_iam_policy_document.endpoint.json

  tags = { Name = "${var.name}-${each.key}" }
}

# Through the gateway, only this account's principals reach S3, and only this account's buckets: what was read here cannot
# be written into a bucket of somebody else's. Images' layers lie in a bucket of ECR's own, which it signs URLs for.
data "aws_iam_policy_document" "s3_gateway" {
  #checkov:skip=CKV_AWS_1:an endpoint's policy only limits what the caller's own policies allow
  #checkov:skip=CKV_AWS_49:an endpoint's policy only limits what the caller's own policies allow

  statement {
    sid       = "OwnPrincipalsAndBuckets"
    actions   = ["s3:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:PrincipalAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:ResourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }

  statement {
    sid       = "ImageLayers"
    actions   = ["s3:GetObject"]
    resources = ["arn:aws:s3:::prod-${data.aws_region.current.region}-starport-layer-bucket/*"]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }
  }
}

resource "aws_vpc_endpoint" "s3" {
  vpc_id            = aws_vpc.this.id
  service_name      = "com.amazonaws.${data.aws_region.current.region}.s3"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = [aws_route_table.private.id]
  policy            = data.aws_iam_policy_document.s3_gateway.json

  tags = { Name = "${var.name}-s3" }
}

# Traces leave for a collector that somebody offers through PrivateLink, under the name that it has a certificate for: no
# route out is needed. The service is another account's, which takes no policy.
resource "aws_vpc_endpoint" "collector" {
  count = var.collector == null ? 0 : 1

  vpc_id              = aws_vpc.this.id
  service_name        = var.collector.service_name
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true
  subnet_ids          = [for subnet in aws_subnet.private : subnet.id]
  security_group_ids  = [aws_security_group.this["collector"].id]

  tags = { Name = "${var.name}-collector" }
}
