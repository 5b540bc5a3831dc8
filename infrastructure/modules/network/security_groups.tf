# Who may open a connection to whom. A flow that is not in this table does not exist.
locals {
  groups = {
    api_balancer        = "Load balancer of the merchant API"
    operations_balancer = "Load balancer of Dagster's web interface"
    viewers_balancer    = "Load balancer of Dagster's web interface, read-only"
    api                 = "Merchant API tasks"
    webserver           = "Dagster webserver"
    viewers_webserver   = "Dagster webserver, read-only"
    daemon              = "Dagster daemon and the runs it starts, which take over its network configuration"
    code_server         = "Dagster code server"
    overflow            = "Queue consumers outside Dagster"
    maintenance         = "Database setup and migrations"
    database            = "PostgreSQL"
    endpoints           = "AWS service endpoints"
    collector           = "Endpoint of the collector of traces"
  }

  tasks = ["api", "webserver", "viewers_webserver", "daemon", "code_server", "overflow", "maintenance"]
  # Whose programs make traces: the API, and the drain in Dagster's runs or outside Dagster.
  traced = ["api", "daemon", "overflow"]

  flows = merge(
    {
      api_balancer_to_api              = { from = "api_balancer", to = "api", port = 3000 }
      operations_balancer_to_webserver = { from = "operations_balancer", to = "webserver", port = 3001 }
      viewers_balancer_to_webserver    = { from = "viewers_balancer", to = "viewers_webserver", port = 3001 }
      webserver_to_code_server         = { from = "webserver", to = "code_server", port = 4000 }
      viewers_webserver_to_code_server = { from = "viewers_webserver", to = "code_server", port = 4000 }
      daemon_to_code_server            = { from = "daemon", to = "code_server", port = 4000 }
    },
    { for task in local.tasks : "${task}_to_database" => { from = task, to = "database", port = 5432 } },
    { for task in local.tasks : "${task}_to_endpoints" => { from = task, to = "endpoints", port = 443 } },
    { for pair in setproduct(local.traced, var.collector[*]) : "${pair[0]}_to_collector" => { from = pair[0], to = "collector", port = pair[1].port } },
  )

  # People type a name without https, and are sent there from port 80. Programs are told the whole address: what one of
  # them sends to port 80, card numbers in it, has already been sent in the clear, so nothing listens there.
  public_ports = {
    api_balancer        = { cidrs = var.api_ingress_cidrs, ports = [443] }
    operations_balancer = { cidrs = var.operations_ingress_cidrs, ports = [80, 443] }
    viewers_balancer    = { cidrs = var.viewers_ingress_cidrs, ports = [80, 443] }
  }

  public = merge([
    for group, opened in local.public_ports : {
      for pair in setproduct(opened.cidrs, opened.ports) : "${group}_${pair[0]}_${pair[1]}" => { to = group, cidr = pair[0], port = pair[1] }
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

resource "aws_vpc_security_group_ingress_rule" "public" {
  for_each = local.public

  description       = each.key
  security_group_id = aws_security_group.this[each.value.to].id
  cidr_ipv4         = each.value.cidr
  ip_protocol       = "tcp"
  from_port         = each.value.port
  to_port           = each.value.port
}

# The load balancers themselves exchange the login code for a token at the identity provider.
resource "aws_vpc_security_group_egress_rule" "identity_provider" {
  for_each = toset(["operations_balancer", "viewers_balancer"])

  description       = "${each.key}_to_identity_provider"
  security_group_id = aws_security_group.this[each.key].id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}
