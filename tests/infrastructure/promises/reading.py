"""A plan that is read by turns: each table takes what it tells, and the last one tells what is left."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.infrastructure.terraform.plan import Files, Plan
from tests.infrastructure.terraform.resources import ACCOUNT, Resource

Row = tuple[str, ...]

# Words for people, which change nothing.
_PROSE = frozenset({"description", "alarm_description", "tags"})


@dataclass(frozen=True)
class Table:
    title: str
    """Its heading in promises.md."""

    columns: Sequence[str]
    rows: Sequence[Row]


@dataclass
class Reading:
    plan: Plan
    files: Files
    left: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What no table has told yet, by the resource's address."""

    told: set[str] = field(default_factory=set)
    """Addresses of the resources of which some table has told something."""

    def __post_init__(self) -> None:
        for resource in self.plan.resources:
            if not resource.kind.startswith("data."):
                values = copy.deepcopy(dict(resource.values))
                if resource.lifecycle:
                    values["lifecycle"] = dict(resource.lifecycle)
                self.left[resource.address] = {name: value for name, value in values.items() if name not in _PROSE}

    def of_kind(self, *kinds: str) -> list[Resource]:
        return self.plan.of_kind(*kinds)

    def take(self, resource: Resource, name: str) -> Any:
        """Return the argument, which this table tells; None where it is not written."""
        self.told.add(resource.address)
        return self.left[resource.address].pop(name, None)

    def take_rest(self, resource: Resource) -> dict[str, Any]:
        """Return all that is left of it."""
        self.told.add(resource.address)
        rest, self.left[resource.address] = self.left[resource.address], {}
        return {name: value for name, value in rest.items() if value is not None and value != []}

    def plan_value(self, resource: Resource, name: str) -> str:
        """Return an argument that another table tells."""
        return cell(resource.values.get(name))

    def take_block(self, resource: Resource, name: str) -> dict[str, Any]:
        """Return the only block of that name; an empty one where there is none."""
        blocks = self.take(resource, name) or [{}]
        assert len(blocks) == 1, f"{resource}: several of {name}"
        return dict(blocks[0])

    def cell(self, value: Any) -> str:
        return cell(value, {text: path for path, text in self.files.items() if len(text) > 200})


def short(text: str) -> str:
    """Take off what every ARN and address of this account has."""
    text = re.sub(rf"\barn:aws:[\w-]+:[\w-]*:{ACCOUNT}:(secret:)?", "", text)
    text = re.sub(r'network\.security_group\["(\w+)"\]\.id', r"\1", text)
    return re.sub(r'network\.subnet\.(\w+)\["([\w-]+)"\](\.id)?', r"\1 \2", text)


def cell(value: Any, files: Mapping[str, str] | None = None) -> str:
    """Return a value as a table shows it; the text of a file as the file's path."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        if files and value in files:
            return f"file {files[value]}"
        if _is_json(value):
            return cell(json.loads(value), files)
        return short(value).replace("|", "¦").replace("\n", "⏎") or '""'
    if isinstance(value, list):
        told = [cell(each, files) for each in value]
        if len(told) > 1 and all(each.startswith("private ") for each in told):
            return "private " + ", ".join(each.removeprefix("private ") for each in told)
        return ", ".join(told) or "none"
    if isinstance(value, Mapping):
        return "; ".join(f"{_leaf(path)} {cell(each, files)}" for path, each in flat(value)) if value else "-"
    return str(value)


def _leaf(path: str) -> str:
    """Return the argument's name without the blocks around it; what AWS itself has named keeps its whole path."""
    *_, last = path.split(".")
    return last if re.fullmatch(r"[a-z_.\[\]0-9]+", path) else path


def _is_json(value: str) -> bool:
    return value.startswith(('[{"', '{"'))


def flat(value: Any, path: str = "") -> Iterable[tuple[str, Any]]:
    """Return what a value holds, by its place in it."""
    if isinstance(value, Mapping) and value:
        for key, each in sorted(value.items()):
            yield from flat(each, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and any(isinstance(each, Mapping) for each in value):
        for index, each in enumerate(value):
            yield from flat(each, path if len(value) == 1 else f"{path}[{index}]")
    else:
        yield path, value


def grouped(rows: Iterable[Row], *, by: int = 0, everyone: Mapping[frozenset[str], str] | None = None) -> list[Row]:
    """Put rows that differ in column `by` alone into one, whose cell there names them all."""
    found: dict[Row, list[str]] = {}
    for row in rows:
        found.setdefault(row[:by] + row[by + 1 :], []).append(row[by])
    named = everyone or {}
    return [
        (*rest[:by], named.get(frozenset(names)) or ", ".join(sorted(names)), *rest[by:])
        for rest, names in found.items()
    ]


Make = Callable[[Reading], list[Table]]
