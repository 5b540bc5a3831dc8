"""Who may do what at AWS: every statement of every policy, and who may take which role."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.infrastructure.promises.reading import Reading, Row, Table, cell, grouped, short
from tests.infrastructure.terraform.resources import Resource

_COLUMNS = ("who", "effect", "actions", "on", "if")


def tables(reading: Reading) -> list[Table]:
    tasks = [_who(task.short.split(".")[0] + ".iam_role.task") for task in reading.of_kind("aws_ecs_task_definition")]
    starts = [f"{task}'s start" for task in tasks]
    both = frozenset(tasks + starts)
    everyone = {frozenset(starts): "every task's start", both: "every task and its start"}
    interfaces = frozenset(short(it.short) for it in reading.of_kind("aws_vpc_endpoint") if ".interface" in it.short)
    policies = grouped(_resources(reading), everyone={interfaces: "every interface endpoint"})
    statements = list(_roles(reading))
    at_start = [row for row in statements if row[0].endswith("start")]
    running = [row for row in statements if row not in at_start]
    return [
        Table("Who may do what", _COLUMNS, [*grouped(running), *grouped(at_start, everyone=everyone)]),
        Table("Who may take a role", _COLUMNS, grouped(_assumed(reading), everyone=everyone)),
        Table("What may be done to", ("what", "effect", "who", "actions", "on", "if"), policies),
    ]


def _who(role: str) -> str:
    """Return the task that the role is of; another role is called by its address."""
    module, _, name = role.partition(".iam_role.")
    task = module.removesuffix("_task")
    return {"task": task, "execution": f"{task}'s start"}.get(name, role)


def _roles(reading: Reading) -> Iterator[Row]:
    secrets = {
        task.attribute("execution_role_arn"): _secrets(task) for task in reading.of_kind("aws_ecs_task_definition")
    }
    for policy in reading.of_kind("aws_iam_role_policy"):
        who = short(reading.take(policy, "role")).removesuffix(".id")
        reading.take(policy, "name")
        for statement in json.loads(reading.take(policy, "policy"))["Statement"]:
            own = next((names for role, names in secrets.items() if short(role) == who), set())
            yield (_who(who), *_told(statement, who, own))
    for attached in reading.of_kind("aws_iam_role_policy_attachment"):
        role, arn = reading.take(attached, "role"), reading.take(attached, "policy_arn")
        yield (role, "Allow", f"as {arn} says", "-", "-")


def _secrets(task: Resource) -> set[str]:
    """Return the ARNs of what the task is started with."""
    containers = json.loads(task.attribute("container_definitions"))
    return {secret["valueFrom"] for container in containers for secret in container["secrets"]}


def _told(statement: dict[str, Any], who: str, own_secrets: set[str]) -> Row:
    """Return what is allowed; the own log and the own secrets are called so."""
    module = who.split(".", maxsplit=1)[0]
    resources = statement.get("Resource", [])
    resources = resources if isinstance(resources, list) else [resources]
    of_kind = {it for it in own_secrets if (":secretsmanager:" in it) == (statement.get("Sid") == "ReadSecrets")}
    if set(resources) == of_kind and statement.get("Sid") in ("ReadSecrets", "ReadParameters"):
        told = "what it is started with"
    else:
        told = cell([short(each).replace(f"{module}.cloudwatch_log_group", "own log") for each in resources])
    return statement["Effect"], cell(statement["Action"]), told, cell(statement.get("Condition"))


def _assumed(reading: Reading) -> Iterator[Row]:
    for role in reading.of_kind("aws_iam_role"):
        for statement in json.loads(reading.take(role, "assume_role_policy"))["Statement"]:
            principal, actions = cell(statement["Principal"]), cell(statement["Action"])
            yield _who(role.short), statement["Effect"], actions, principal, cell(statement.get("Condition"))


def _resources(reading: Reading) -> Iterator[Row]:
    for kind, named, argument in (
        ("aws_kms_key", None, "policy"),
        ("aws_sns_topic_policy", "arn", "policy"),
        ("aws_sqs_queue_policy", "queue_url", "policy"),
        ("aws_s3_bucket_policy", "bucket", "policy"),
        ("aws_vpc_endpoint", None, "policy"),
    ):
        for resource in reading.of_kind(kind):
            what = short(reading.take(resource, named)).removesuffix(".id") if named else resource.short
            document = reading.take(resource, argument)
            if document is None:
                yield what, "Allow", "everybody", "*", "*", "-"
                continue
            for statement in json.loads(document)["Statement"]:
                on = cell([_own(each, what) for each in _listed(statement["Resource"])])
                yield (
                    what, statement["Effect"], cell(statement["Principal"]), cell(statement["Action"]), on,
                    cell(statement.get("Condition")),
                )  # fmt: skip


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _own(resource: str, what: str) -> str:
    """Say "itself" for the resource that the policy belongs to, so that equal policies are told once."""
    named = short(resource)
    return "itself" + named[len(what) :] if named.startswith(what) else named
