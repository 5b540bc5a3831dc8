"""Everything else that is written, so that nothing can be changed without a word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.infrastructure.promises.reading import Reading, Row, Table, cell, flat, grouped
from tests.infrastructure.terraform.resources import Resource

_THEMES: Mapping[str, Sequence[str]] = {
    "Database and backups": ("db_",),
    "Queues": ("sqs_",),
    "Buckets": ("s3_",),
    "Keys, secrets, images": ("kms_", "secretsmanager_", "ssm_", "ecr_"),
    "Logs": ("cloudwatch_log_group", "flow_log", "wafv2_web_acl_logging"),
    "Who is told": ("sns_", "budgets_"),
    "Everything else": ("",),
}

_NAMES = frozenset({"name", "family", "target_prefix"})
"""Of no meaning but to be told apart: those of a kind are one row."""


def tables(reading: Reading) -> list[Table]:
    rows: dict[str, list[Row]] = {theme: [] for theme in _THEMES}
    for kind in sorted({resource.kind for resource in reading.plan.resources if not resource.kind.startswith("data.")}):
        rows[_theme(kind)] += _told(reading, kind)
    provider = [("provider", path, cell(value)) for path, value in flat(dict(reading.plan.provider))]
    rows["Everything else"] += provider
    return [Table(theme, ("which", "what", "value"), rows[theme]) for theme in _THEMES]


def _theme(kind: str) -> str:
    name = kind.removeprefix("aws_")
    return next(theme for theme, starts in _THEMES.items() if name.startswith(tuple(starts)))


def _told(reading: Reading, kind: str) -> list[Row]:
    """Return what is written of each resource of the kind; the same of equal ones once."""
    resources = reading.of_kind(kind)
    everyone = (
        {frozenset(it.short for it in resources): f"every {kind.removeprefix('aws_')}"} if len(resources) > 1 else {}
    )
    rows = [row for it in resources for row in _arguments(reading, it)]
    names = [row for row in rows if row[1] in _NAMES]
    if len(names) > 1:
        called = sorted(row[2] for row in names)
        return [
            *grouped([row for row in rows if row not in names], everyone=everyone),
            (*everyone.values(), "names", cell(called)),
        ]
    return grouped(rows, everyone=everyone)


def _arguments(reading: Reading, resource: Resource) -> Iterator[Row]:
    already_told = resource.address in reading.told
    rest = reading.take_rest(resource)
    module = f"{resource.short.split('.', maxsplit=1)[0]}."
    for name, value in sorted(rest.items()):
        for what, each in _named(value) if name == "parameter" else [(name, value)]:
            yield resource.short, what, _own(reading.cell(each), module)
    if not rest and not already_told:
        yield resource.short, "-", "-"


def _named(parameters: list[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Return the database's parameters by their names."""
    for parameter in parameters:
        yield parameter["name"], [parameter[name] for name in sorted(parameter.keys() - {"name"}, reverse=True)]


def _own(value: str, module: str) -> str:
    return "own " + value.removeprefix(module) if value.startswith(module) else value
