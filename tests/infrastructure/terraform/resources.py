"""Resources and data sources: what is written, and names for what only AWS would know."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from tests.infrastructure.terraform.expressions import Inner, Names, evaluate, items_of
from tests.infrastructure.terraform.functions import EvaluationError, to_json
from tests.infrastructure.terraform.syntax import Block, Body, source_of

ACCOUNT, PARTITION = "123456789012", "aws"
META_ARGUMENTS = frozenset({"count", "for_each", "depends_on", "provider", "lifecycle", "source", "version"})


class Resource:
    """One instance of a resource or data source, with its address in the whole configuration."""

    def __init__(self, address: str, kind: str, body: Body, names: Names, region: str) -> None:
        self.address, self.kind = address, kind
        self._body, self._names, self._region = body, names, region

    def __repr__(self) -> str:
        return self.address

    @property
    def short(self) -> str:
        """The address without what every address has: `queue.sqs_queue.dead_letter`."""
        return re.sub(r"\bmodule\.|\baws_|\bdata\.|\.this\b|\[0\]", "", self.address)

    @cached_property
    def values(self) -> Mapping[str, Any]:
        """What is written: arguments, and lists of blocks."""
        try:
            return contents(self._body, self._names)
        except EvaluationError as error:
            raise EvaluationError(f"{self.address}: {error}") from error

    @cached_property
    def lifecycle(self) -> Mapping[str, str]:
        """What is written about its life, in the words in which it is written."""
        return {
            name: source_of(value)
            for block in self._body.of_kind("lifecycle")
            for name, value in block.body.arguments.items()
        }

    def attribute(self, name: str) -> Any:
        """Return what is written, or a name for what only AWS knows."""
        if name in self._body.arguments and name not in META_ARGUMENTS:
            return evaluate(self._body.arguments[name], self._names)
        if any(block.kind == name for block in self._body.blocks):
            return self.values[name]
        return self._known_to_aws(name)

    def _known_to_aws(self, name: str) -> Any:
        if self.kind == "data.aws_iam_policy_document" and name == "json":
            return to_json(document(self.values))
        if self.kind == "data.aws_caller_identity" and name == "account_id":
            return ACCOUNT
        if self.kind == "data.aws_partition" and name == "partition":
            return PARTITION
        if self.kind == "data.aws_region" and name == "region":
            return self._region
        if self.kind.startswith("data."):
            raise EvaluationError(f"{self.address}: not known here: {name}")
        if name == "arn":
            service = self.kind.split("_")[1]
            of_kind = "secret:" if service == "secretsmanager" else ""
            return f"arn:{PARTITION}:{service}:{self._region}:{ACCOUNT}:{of_kind}{self.short}"
        return f"{self.short}.{name}"


def contents(body: Body, names: Names) -> dict[str, Any]:
    found: dict[str, Any] = {
        name: evaluate(value, names) for name, value in body.arguments.items() if name not in META_ARGUMENTS
    }
    for block in body.blocks:
        if block.kind not in META_ARGUMENTS:
            kind = block.labels[0] if block.kind == "dynamic" else block.kind
            found.setdefault(kind, []).extend(_written_out(block, names))
    return found


def _written_out(block: Block, names: Names) -> Iterator[dict[str, Any]]:
    """Return the block's content, once for each value where it is dynamic."""
    if block.kind != "dynamic":
        yield contents(block.body, names)
        return
    [content] = block.body.of_kind("content")
    for key, value in items_of(evaluate(block.body.arguments["for_each"], names)):
        yield contents(content.body, Inner(names, {block.labels[0]: {"key": key, "value": value}}))


def instances(address: str, block: Block, names: Names, region: str) -> Any:
    """Return one resource, or a list of them for a count, or a map for a for_each."""
    arguments, kind = block.body.arguments, address_kind(block)
    if "count" in arguments:
        count = evaluate(arguments["count"], names)
        return [
            Resource(f"{address}[{index}]", kind, block.body, Inner(names, {"count": {"index": index}}), region)
            for index in range(count)
        ]
    if "for_each" in arguments:
        over = evaluate(arguments["for_each"], names)
        pairs = [(each, each) for each in over] if isinstance(over, list) else items_of(over)
        return {
            key: Resource(
                f'{address}["{key}"]', kind, block.body, Inner(names, {"each": {"key": key, "value": value}}), region
            )
            for key, value in pairs
        }
    return Resource(address, kind, block.body, names, region)


def address_kind(block: Block) -> str:
    return block.labels[0] if block.kind == "resource" else f"data.{block.labels[0]}"


def document(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the IAM document that aws_iam_policy_document makes of its blocks."""
    return {"Version": "2012-10-17", "Statement": [_statement(each) for each in values.get("statement", [])]}


def _statement(values: Mapping[str, Any]) -> dict[str, Any]:
    known = {"sid", "effect", "actions", "resources", "principals", "condition"}
    if not values.keys() <= known:
        raise EvaluationError(f"not known here: {sorted(values.keys() - known)}")
    found: dict[str, Any] = {"Effect": values.get("effect", "Allow"), "Action": values["actions"]}
    if "sid" in values:
        found["Sid"] = values["sid"]
    if "resources" in values:
        found["Resource"] = values["resources"]
    for principals in values.get("principals", []):
        found.setdefault("Principal", {}).setdefault(principals["type"], []).extend(principals["identifiers"])
    for condition in values.get("condition", []):
        found.setdefault("Condition", {}).setdefault(condition["test"], {})[condition["variable"]] = condition["values"]
    return found
