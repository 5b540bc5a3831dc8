"""Who may reach whom: security groups, routes, endpoints, and the ways in from outside."""

from __future__ import annotations

import json
from typing import Any

from tests.infrastructure.promises.reading import Reading, Row, Table, cell, short
from tests.infrastructure.terraform.resources import Resource


def tables(reading: Reading) -> list[Table]:
    return [
        Table("Who may open a connection to whom", ("from", "to", "port", "let out and in by"), _flows(reading)),
        Table("Routes", ("subnet", "addresses", "zone", "public address", "route to", "by"), _routes(reading)),
        Table(
            "AWS services reached from the private subnets",
            ("service", "kind", "where", "group", "own names"),
            _endpoints(reading),
        ),
        Table("Listeners", ("listener", "protocol", "certificate", "TLS", "in this order"), _listeners(reading)),
        Table("Target groups", ("group", "protocol", "health check", "balancing"), _target_groups(reading)),
        Table("Firewall", ("balancer", "asked", "rule", "what happens"), _firewall(reading)),
    ]


def _flows(reading: Reading) -> list[Row]:
    ends: dict[tuple[str, str, str], list[str]] = {}
    for kind, side in (("egress", "out"), ("ingress", "in")):
        for rule in reading.of_kind(f"aws_vpc_security_group_{kind}_rule"):
            own, other, ports = _rule(reading, rule)
            ends.setdefault((own, other, ports) if side == "out" else (other, own, ports), []).append(side)
    for group in reading.of_kind("aws_default_security_group"):
        ends["default group", "nobody", "-"] = [cell(reading.take(group, "ingress") or reading.take(group, "egress"))]
    return [(*flow, " + ".join(sides)) for flow, sides in ends.items()]


def _rule(reading: Reading, rule: Resource) -> tuple[str, str, str]:
    own = short(reading.take(rule, "security_group_id"))
    others = [
        reading.take(rule, name)
        for name in ("referenced_security_group_id", "cidr_ipv4", "cidr_ipv6", "prefix_list_id")
    ]
    first, last, protocol = (reading.take(rule, name) for name in ("from_port", "to_port", "ip_protocol"))
    ports = f"{protocol} {first}" if first == last else f"{protocol} {first} to {last}"
    return own, cell([other for other in others if other is not None]), ports


def _routes(reading: Reading) -> list[Row]:
    routes: dict[str, list[tuple[str, str]]] = {}
    for route in reading.of_kind("aws_route"):
        table, to = reading.take(route, "route_table_id"), reading.take(route, "destination_cidr_block")
        routes.setdefault(table, []).append((cell(to), cell(reading.take_rest(route))))
    for endpoint in reading.of_kind("aws_vpc_endpoint"):
        for table in reading.take(endpoint, "route_table_ids") or []:
            routes.setdefault(table, []).append((reading.plan_value(endpoint, "service_name"), endpoint.short))
    tables = {
        reading.take(it, "subnet_id"): reading.take(it, "route_table_id")
        for it in reading.of_kind("aws_route_table_association")
    }
    return [
        row
        for subnet in reading.of_kind("aws_subnet")
        for row in _routes_of(reading, subnet, routes.get(tables.get(f"{subnet.short}.id", ""), []))
    ]


def _routes_of(reading: Reading, subnet: Resource, routes: list[tuple[str, str]]) -> list[Row]:
    cidr, zone, public = (
        cell(reading.take(subnet, name)) for name in ("cidr_block", "availability_zone", "map_public_ip_on_launch")
    )
    return [(short(subnet.short), cidr, zone, public, *route) for route in routes or [("-", "-")]]


def _endpoints(reading: Reading) -> list[Row]:
    return [
        tuple(
            cell(reading.take(endpoint, name))
            for name in ("service_name", "vpc_endpoint_type", "subnet_ids", "security_group_ids", "private_dns_enabled")
        )
        for endpoint in reading.of_kind("aws_vpc_endpoint")
    ]


def _listeners(reading: Reading) -> list[Row]:
    rows: list[Row] = []
    for listener in reading.of_kind("aws_lb_listener"):
        balancer, protocol, port, certificate, policy, actions = (
            reading.take(listener, name)
            for name in ("load_balancer_arn", "protocol", "port", "certificate_arn", "ssl_policy", "default_action")
        )
        steps = " → ".join(_action(it) for it in actions)
        rows.append((f"{short(balancer)} {port}", protocol, cell(certificate), cell(policy), steps))
    for rule in reading.of_kind("aws_lb_listener_rule"):
        listener, priority, conditions, actions = (
            reading.take(rule, name) for name in ("listener_arn", "priority", "condition", "action")
        )
        asked = cell(conditions)
        rows.append((short(listener), f"first {priority}", "-", asked, " → ".join(_action(it) for it in actions)))
    return rows


def _action(action: dict[str, Any]) -> str:
    inner = {name: value for name, value in action.items() if name not in ("type", "order")}
    details = cell(next(iter(inner.values())) if len(inner) == 1 else inner)
    return f"{action.get('order', '')} {action['type']}: {details}".strip()


def _target_groups(reading: Reading) -> list[Row]:
    rows: list[Row] = []
    for group in reading.of_kind("aws_lb_target_group"):
        protocol, port, kind = (reading.take(group, name) for name in ("protocol", "port", "target_type"))
        health = cell(reading.take_block(group, "health_check"))
        balancing = cell(
            {name: reading.take(group, name) for name in ("deregistration_delay", "load_balancing_algorithm_type")}
        )
        rows.append((group.short, f"{protocol} {port} of {kind}", health, balancing))
    return rows


def _firewall(reading: Reading) -> list[Row]:
    rows: list[Row] = []
    guarded = {
        reading.take(it, "web_acl_arn"): short(reading.take(it, "resource_arn"))
        for it in reading.of_kind("aws_wafv2_web_acl_association")
    }
    for wall in reading.of_kind("aws_wafv2_web_acl"):
        balancer = guarded.get(wall.attribute("arn"), "no balancer")
        for rule in json.loads(reading.take(wall, "rule_json")):
            action = cell(rule.get("Action") or rule.get("OverrideAction")).removesuffix(" -")
            samples = cell(rule["VisibilityConfig"]["SampledRequestsEnabled"])
            rows.append((balancer, str(rule["Priority"]), cell(rule["Statement"]), f"{action}; samples {samples}"))
        rows.append((balancer, "last", "everything else", cell(reading.take(wall, "default_action"))))
    return rows
