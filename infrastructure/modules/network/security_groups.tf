# Who may open a connection to whom. A flow that is not in this table does not exist.
locals {
  groups = {
    api_balancer        = "Load balancer of the merchant API"
    operations_balancer = "Load balancer of Dagster's web interface"
    api                 = "Merchant API tasks"
    webserver           = "Dagster webserver"
    daemon              = "Dagster daemon and the runs it starts, which take over its network configuration"
    code_server         = "Dagster code server"
    overflow            = "Queue consumers outside Dagster"
    maintenance         = "Database setup and migrations"
    database            = "PostgreSQL"
    endpoints           = "AWS service endpoints"
  }

  tasks = ["api", "webserver", "daemon", "code_server", "overflow", "maintenance"]

  flows = merge(
    {
      api_balancer_to_api              = { from = "api_balancer", to = "api", port = 3000 }
      operations_balancer_to_webserver = { from = "operations_balancer", to = "webserver", port = 3001 }
      webserver_to_code_server         = { from = "webserver", to = "code_server", port = 4000 }
      daemon_to_code_server            = { from = "daemon", to = "code_server", port = 4000 }
    },
    { for task in local.tasks : "${task}_to_database" => { from = task, to = "database", port = 5432 } },
    { for task in local.tasks : "${task}_to_endpoints" => { from = task, to = "endpoints", port = 443 } },
  )

  public = merge([
    for group, cidrs in { api_balancer = var.api_ingress_cidrs, operations_balancer = var.operations_ingress_cidrs } : {
      for pair in setproduct(cidrs, [80, 443]) : "${group}_${pair[0]}_${pair[1]}" => { to = group, cidr = pair[0], port = pair[1] }
    }
  ]...)
}

resource "aws_security_group" "this" {
  #checkov:skip=CKV2_AWS_5:checkov does not follow the groups of for_each into the modules that use them

  for_each = local.groups

  name        = "${var.name}-${replace(each.key, "_", "-")}"
  description = each.value
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${var.name}-${replace(each.key, "_", "-")}" }
}

resource "aws_vpc_security_group_egress_rule" "flow" {
  for_each = local.flows

  description                  = each.key
  security_group_id            = aws_security_group.this[each.value.from].id
  referenced_security_group_id = aws_security_group.this[each.value.to].id
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
}

resource "aws_vpc_security_group_ingress_rule" "flow" {
  for_each = local.flows

  description                  = each.key
  security_group_id            = aws_security_group.this[each.value.to].id
  referenced_security_group_id = aws_security_group.this[each.value.from].id
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
}

resource "aws_vpc_security_group_egress_rule" "s3" {
  for_each = toset(local.tasks)

  description       = "${each.key}_to_s3"
  security_group_id = aws_security_group.this[each.key].id
  prefix_list_id    = aws_vpc_endpoint.s3.prefix_list_id
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

# Port 80 answers with a redirect to 443 and nothing else.
resource "aws_vpc_security_group_ingress_rule" "public" {
  for_each = local.public

  description       = each.key
  security_group_id = aws_security_group.this[each.value.to].id
  cidr_ipv4         = each.value.cidr
  ip_protocol       = "tcp"
  from_port         = each.value.port
  to_port           = each.value.port
}

# The load balancer itself exchanges the login code for a token at the identity provider.
resource "aws_vpc_security_group_egress_rule" "identity_provider" {
  description       = "operations_balancer_to_identity_provider"
  security_group_id = aws_security_group.this["operations_balancer"].id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}
