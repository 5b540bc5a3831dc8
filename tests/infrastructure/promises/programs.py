"""Every task and service: what it runs, with what, how many, and where."""

from __future__ import annotations

import json
from typing import Any

from tests.infrastructure.promises.reading import Reading, Row, Table, flat, grouped, short
from tests.infrastructure.terraform.resources import Resource


def tables(reading: Reading) -> list[Table]:
    tasks, variables, secrets = [], [], []
    rest: list[Row] = []
    for definition in reading.of_kind("aws_ecs_task_definition"):
        name = definition.short.split(".")[0].removesuffix("_task")
        [container] = json.loads(reading.take(definition, "container_definitions"))
        variables += [(name, it["name"], reading.cell(it["value"])) for it in container.pop("environment")]
        secrets += [(name, it["name"], short(it["valueFrom"])) for it in container.pop("secrets")]
        tasks.append((name, *_task(reading, definition, container)))
        container["roles"] = [reading.take(definition, f"{role}_role_arn") for role in ("execution", "task")]
        rest += [(name, path, _own(reading.cell(value), definition)) for path, value in flat(container)]
    everyone = {frozenset(row[0] for row in tasks): "every task"}
    return [
        Table("Tasks", ("task", "CPU, memory", "command", "port", "health check"), tasks),
        Table("Containers", ("tasks", "setting", "value"), grouped(rest, everyone=everyone)),
        Table("Variables", ("tasks", "variable", "value"), grouped(variables, everyone=everyone)),
        Table("Secrets", ("tasks", "variable", "secret"), grouped(secrets, everyone=everyone)),
        Table(
            "Services",
            ("service", "tasks", "of", "while rolling", "behind", "subnets, group", "rest"),
            [_service(reading, service) for service in reading.of_kind("aws_ecs_service")],
        ),
        Table("Scaling", ("what", "how"), _scaling(reading)),
    ]


def _own(value: str, definition: Resource) -> str:
    """Say "own" for what is called after the task, so that it is told once for all of them."""
    module, family = definition.short.split(".")[0], definition.attribute("family")
    name = module.removesuffix("_task").replace("_", "-")
    value = value.replace(f"/{family.removesuffix(f'-{name}')}/{name}", "own log").replace(f"{module}.", "own ")
    return "own name" if value == name else value


def _task(reading: Reading, definition: Resource, container: dict[str, Any]) -> Row:
    size = f"{reading.take(definition, 'cpu')}, {reading.take(definition, 'memory')}"
    ports = container.pop("portMappings")
    health = container.pop("healthCheck", None)
    return (
        size,
        reading.cell(" ".join(reading.cell(word) for word in container.pop("command"))),
        reading.cell(ports) if ports else "-",
        reading.cell(health),
    )


def _service(reading: Reading, service: Resource) -> Row:
    low, high = (reading.take(service, f"deployment_{end}_percent") for end in ("minimum_healthy", "maximum"))
    breaker = reading.cell(reading.take_block(service, "deployment_circuit_breaker"))
    network = reading.take_block(service, "network_configuration")
    subnets, groups, public = (
        reading.cell(network[name]) for name in ("subnets", "security_groups", "assign_public_ip")
    )
    behind = reading.take(service, "load_balancer") or reading.take(service, "service_registries")
    return (
        reading.take(service, "name"),
        str(reading.take(service, "desired_count")),
        short(reading.take(service, "task_definition")),
        f"{low} % to {high} %; {breaker}",
        reading.cell(behind),
        f"{subnets}; {groups}; public {public}",
        reading.cell(reading.take_rest(service)),
    )


def _scaling(reading: Reading) -> list[Row]:
    kinds = ("aws_appautoscaling_target", "aws_appautoscaling_policy")
    return [(scaling.short, reading.cell(reading.take_rest(scaling))) for scaling in reading.of_kind(*kinds)]
