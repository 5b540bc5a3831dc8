"""Types of variables: what a value becomes when it is handed to one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.infrastructure.terraform.expressions import Names, evaluate
from tests.infrastructure.terraform.functions import EvaluationError, number, text, to_set
from tests.infrastructure.terraform.syntax import Node, name_of, parts


def convert(value: Any, type: Node, names: Names) -> Any:
    """Return the value as Terraform keeps it: optional attributes filled in, numbers as numbers; null stays null."""
    if value is None:
        return None
    [inner] = parts(type)
    if inner.data == "identifier":
        return _plain(value, name_of(inner))
    kind, arguments = parts(inner)
    [of] = parts(arguments)
    return _COLLECTIONS[name_of(kind)](value, of, names)


def _plain(value: Any, kind: str) -> Any:
    if kind == "string":
        return text(value)
    if kind == "number":
        return number(value)
    if kind == "bool" and isinstance(value, bool):
        return value
    if kind == "any":
        return value
    raise EvaluationError(f"no {kind}: {value!r}")


def _list(value: Any, of: Node, names: Names) -> Any:
    if not isinstance(value, list):
        raise EvaluationError(f"no list: {value!r}")
    return [convert(each, of, names) for each in value]


def _set(value: Any, of: Node, names: Names) -> Any:
    return to_set(_list(value, of, names))


def _map(value: Any, of: Node, names: Names) -> Any:
    return {key: convert(each, of, names) for key, each in value.items()}


def _object(value: Any, of: Node, names: Names) -> Any:
    if not isinstance(value, Mapping):
        raise EvaluationError(f"no object: {value!r}")
    found = {}
    [attributes] = parts(of)
    for element in parts(attributes):
        key, type = parts(element)
        name = name_of(parts(parts(key)[0])[0])
        found[name] = _attribute(value, name, type, names)
    return found


def _attribute(value: Mapping[str, Any], name: str, type: Node, names: Names) -> Any:
    [inner] = parts(type)
    optional = inner.data == "function_call" and name_of(parts(inner)[0]) == "optional"
    if not optional:
        if name not in value:
            raise EvaluationError(f"no {name}")
        return convert(value[name], type, names)
    wanted, *default = parts(parts(inner)[1])
    if value.get(name) is None and default:
        return convert(evaluate(default[0], names), wanted, names)
    return convert(value.get(name), wanted, names)


_COLLECTIONS: Mapping[str, Callable[[Any, Node, Names], Any]] = {
    "list": _list,
    "set": _set,
    "map": _map,
    "object": _object,
}
