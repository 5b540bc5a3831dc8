"""Terraform's functions, those that the configuration calls."""

from __future__ import annotations

import ipaddress
import itertools
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any


class EvaluationError(Exception):
    """Terraform would refuse this expression."""


def text(value: Any) -> str:
    """Return a value as an interpolation writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float, str)):
        return str(number(value)) if not isinstance(value, str) else value
    raise EvaluationError(f"no text: {value!r}")


def number(value: Any) -> int | float:
    """Return it as the only kind of number that Terraform has."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError as error:
            raise EvaluationError(f"no number: {value!r}") from error
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise EvaluationError(f"no number: {value!r}")
    return int(value) if float(value).is_integer() else value


def _merge(*maps: Mapping[str, Any] | None) -> dict[str, Any]:
    return {key: value for each in maps for key, value in (each or {}).items()}


def _distinct(values: Iterable[Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if value not in found:
            found.append(value)
    return found


def to_set(values: Iterable[Any]) -> list[Any]:
    """A set is a list in order here, in which nothing is twice."""
    return sorted(_distinct(values))


def _coalesce(*values: Any) -> Any:
    for value in values:
        if value is not None and value != "":
            return value
    raise EvaluationError("coalesce: no value")


def _regex(pattern: str, subject: str) -> Any:
    found = re.search(pattern, subject)
    if not found:
        raise EvaluationError(f"regex: {subject!r} does not match {pattern!r}")
    return list(found.groups()) or found[0]


def _subnet(prefix: str, bits: int, index: int) -> str:
    network = ipaddress.ip_network(prefix)
    subnets = network.subnets(new_prefix=network.prefixlen + int(bits))
    return str(next(itertools.islice(subnets, int(index), None)))


def _netmask(prefix: str) -> str:
    if "/" not in prefix:
        raise EvaluationError(f"no range of addresses: {prefix}")
    try:
        return str(ipaddress.IPv4Network(prefix).netmask)
    except ValueError as error:
        raise EvaluationError(str(error)) from error


def _slice(values: list[Any], start: int, end: int) -> list[Any]:
    if not 0 <= start <= end <= len(values):
        raise EvaluationError(f"slice: {start} to {end} of {len(values)}")
    return values[start:end]


def _parse_json(document: str) -> Any:
    try:
        return json.loads(document)
    except ValueError as error:
        raise EvaluationError(str(error)) from error


def to_json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "alltrue": lambda values: all(value is True for value in values),
    "anytrue": lambda values: any(value is True for value in values),
    "cidrnetmask": _netmask,
    "cidrsubnet": _subnet,
    "coalesce": _coalesce,
    "concat": lambda *lists: [value for each in lists for value in each],
    "contains": lambda values, value: value in list(values),
    "distinct": _distinct,
    "endswith": lambda subject, end: text(subject).endswith(end),
    "flatten": lambda lists: [value for each in lists for value in (each if isinstance(each, list) else [each])],
    "floor": lambda value: math.floor(number(value)),
    "join": lambda separator, values: separator.join(text(value) for value in values),
    "jsondecode": _parse_json,
    "jsonencode": to_json,
    "keys": sorted,
    "length": len,
    "lower": lambda subject: text(subject).lower(),
    "max": max,
    "merge": _merge,
    "min": min,
    "range": lambda *bounds: list(range(*(int(bound) for bound in bounds))),
    "regex": _regex,
    "replace": lambda subject, old, new: subject.replace(old, new),
    "setproduct": lambda *sets: [list(row) for row in itertools.product(*sets)],
    "slice": _slice,
    "sort": sorted,
    "split": lambda separator, subject: subject.split(separator),
    "startswith": lambda subject, start: text(subject).startswith(start),
    "tonumber": number,
    "toset": to_set,
    "tostring": lambda value: None if value is None else text(value),
    "values": lambda each: [each[key] for key in sorted(each)],
}
