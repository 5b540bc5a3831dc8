locals {
  # Amazon's own rule groups, in the order they are asked.
  managed_groups = ["AWSManagedRulesAmazonIpReputationList", "AWSManagedRulesCommonRuleSet", "AWSManagedRulesKnownBadInputsRuleSet"]

  rate_rule = {
    Name     = "rate-per-address"
    Priority = 0
    Action   = { Block = {} }

    Statement = {
      RateBasedStatement = {
        Limit               = var.requests_per_address_5min
        EvaluationWindowSec = 300
        AggregateKeyType    = "IP"
      }
    }

    VisibilityConfig = { CloudWatchMetricsEnabled = true, MetricName = "rate-per-address", SampledRequestsEnabled = false }
  }

  managed_rules = [for index, group in local.managed_groups : {
    Name           = group
    Priority       = index + 1
    OverrideAction = { None = {} }

    Statement = {
      ManagedRuleGroupStatement = {
        VendorName = "AWS"
        Name       = group

        RuleActionOverrides = [
          for rule in var.counted_rules : { Name = rule, ActionToUse = { Count = {} } } if group == "AWSManagedRulesCommonRuleSet"
        ]
      }
    }

    VisibilityConfig = { CloudWatchMetricsEnabled = true, MetricName = group, SampledRequestsEnabled = false }
  }]
}

resource "aws_wafv2_web_acl" "this" {
  #checkov:skip=CKV_AWS_175:checkov does not read rule_json; tests/infrastructure does
  #checkov:skip=CKV_AWS_192:checkov does not read rule_json, which has AWSManagedRulesKnownBadInputsRuleSet

  name      = var.name
  scope     = "REGIONAL"
  rule_json = jsonencode(concat([local.rate_rule], local.managed_rules))

  default_action {
    allow {}
  }

  visibility_config {
    cloudwatch_metrics_enabled = true
    metric_name                = var.name
    # Samples would show requests, card numbers and all, in the console.
    sampled_requests_enabled = false
  }

  # No log, sample or match detail shows a request's body or what somebody logs in with.
  data_protection_config {
    data_protection {
      action = "SUBSTITUTION"

      field {
        field_type = "BODY"
      }
    }

    data_protection {
      action = "SUBSTITUTION"

      field {
        field_type = "SINGLE_HEADER"
        field_keys = ["authorization", "cookie", "x-api-key"]
      }
    }
  }
}

resource "aws_wafv2_web_acl_association" "this" {
  resource_arn = aws_lb.this.arn
  web_acl_arn  = aws_wafv2_web_acl.this.arn
}

# The name has to begin with aws-waf-logs-.
resource "aws_cloudwatch_log_group" "firewall" {
  name              = "aws-waf-logs-${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

# Only what a rule refused or counted: the load balancer's access log has every request already.
resource "aws_wafv2_web_acl_logging_configuration" "this" {
  resource_arn            = aws_wafv2_web_acl.this.arn
  log_destination_configs = [aws_cloudwatch_log_group.firewall.arn]

  logging_filter {
    default_behavior = "DROP"

    filter {
      behavior    = "KEEP"
      requirement = "MEETS_ANY"

      condition {
        action_condition {
          action = "BLOCK"
        }
      }

      condition {
        action_condition {
          action = "COUNT"
        }
      }
    }
  }
}
