"""Expressions of the language, evaluated in a scope that knows the names."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, Protocol

from lark import Token, Tree

from tests.infrastructure.terraform.functions import FUNCTIONS, EvaluationError, number, text
from tests.infrastructure.terraform.syntax import Node, name_of, parts

_COMPARED: Mapping[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge,
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "%": operator.mod,
}  # fmt: skip
_LITERALS = {"true": True, "false": False, "null": None}
_ESCAPES = {"\\n": "\n", "\\t": "\t", '\\"': '"', "\\\\": "\\", "\\r": "\r"}


class Names(Protocol):
    """What a scope is: a value for each name that an expression begins with."""

    def get(self, name: str) -> Any: ...
    def file(self, path: str) -> str: ...


class Attributes(Protocol):
    """A resource, a module or a map: something with a value for a name."""

    def attribute(self, name: str) -> Any: ...


class Inner:
    """A scope with some names more: those of a `for`, of `each`, or of a dynamic block."""

    def __init__(self, outer: Names, names: Mapping[str, Any]) -> None:
        self._outer, self._names = outer, names

    def get(self, name: str) -> Any:
        return self._names[name] if name in self._names else self._outer.get(name)

    def file(self, path: str) -> str:
        return self._outer.file(path)


def evaluate(node: Node, names: Names) -> Any:
    """Return the value; raises EvaluationError where Terraform would refuse."""
    try:
        return _RULES[str(node.data)](node, names)
    except (KeyError, IndexError, TypeError, AttributeError, ValueError, ZeroDivisionError) as error:
        raise EvaluationError(f"{node.data}: {error!r}") from error


def attribute_of(value: Any, name: str) -> Any:
    if hasattr(value, "attribute"):
        return value.attribute(name)
    if isinstance(value, Mapping):
        if name not in value:
            raise EvaluationError(f"no attribute {name}")
        return value[name]
    raise EvaluationError(f"no attributes: {value!r}")


def items_of(value: Any) -> Iterator[tuple[Any, Any]]:
    """Return what a `for` or `for_each` goes over: keys and values, in Terraform's order."""
    if isinstance(value, Mapping):
        return iter(sorted(value.items()))
    if isinstance(value, list):
        return enumerate(value)
    raise EvaluationError(f"nothing to go over: {value!r}")


def _term(node: Node, names: Names) -> Any:
    [inner] = parts(node)
    return names.get(name_of(inner)) if inner.data == "identifier" else evaluate(inner, names)


def _string(node: Node, names: Names) -> Any:
    pieces = [_piece(part, names) for part in parts(node)]
    inner = parts(node)
    if len(inner) == 1 and parts(inner[0]):
        return pieces[0]
    return "".join(text(piece) for piece in pieces)


def _piece(node: Node, names: Names) -> Any:
    [child] = node.children
    if isinstance(child, Tree):
        if child.data != "interpolation":
            raise EvaluationError(f"not known here: {child.data}")
        [inner] = parts(child)
        return evaluate(inner, names)
    return _unescaped(str(child))


@cache
def _unescaped(written: str) -> str:
    if written.startswith(("$${", "%%{")):
        return written[1:]
    characters, place = [], 0
    while place < len(written):
        width = 2 if written[place] == "\\" else 1
        piece = written[place : place + width]
        characters.append(_ESCAPES[piece] if width == 2 else piece)
        place += width
    return "".join(characters)


def _object(node: Node, names: Names) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for element in parts(node):
        key, value = parts(element)
        [written] = parts(key)
        inner = parts(written)
        if written.data == "keyword":
            name = name_of(written)
        elif inner[0].data == "identifier":
            name = name_of(inner[0])
        else:
            name = text(evaluate(written, names))
        found[name] = evaluate(value, names)
    return found


def _call(node: Node, names: Names) -> Any:
    name = name_of(parts(node)[0])
    given = [part for part in parts(node) if part.data == "arguments"]
    written = parts(given[0]) if given else []
    if name == "can":
        return _can(written[0], names)
    values = [evaluate(argument, names) for argument in written]
    if given and any(isinstance(child, Token) and child.type == "ELLIPSIS" for child in given[0].children):
        values[-1:] = values[-1]
    if name == "file":
        return names.file(values[0])
    if name not in FUNCTIONS:
        raise EvaluationError(f"function not known here: {name}")
    return FUNCTIONS[name](*values)


def _can(node: Node, names: Names) -> bool:
    try:
        evaluate(node, names)
    except EvaluationError:
        return False
    return True


def _binary(node: Node, names: Names) -> Any:
    left, term = parts(node)
    operation, right = parts(term)
    sign = name_of(operation)
    first = evaluate(left, names)
    if sign in ("&&", "||"):
        return first if first is (sign == "||") else evaluate(right, names)
    second = evaluate(right, names)
    if sign in ("==", "!="):
        return (first == second) is (sign == "==")
    result = _COMPARED[sign](number(first), number(second))
    return result if isinstance(result, bool) else number(result)


def _unary(node: Node, names: Names) -> Any:
    [inner] = parts(node)
    value = evaluate(inner, names)
    return not value if str(node.children[0]) == "!" else -number(value)


def _conditional(node: Node, names: Names) -> Any:
    condition, yes, no = parts(node)
    return evaluate(yes if evaluate(condition, names) is True else no, names)


def _step(value: Any, step: Node, names: Names) -> Any:
    [inner] = parts(step) if step.data != "short_index" else [step]
    if step.data == "get_attr":
        return attribute_of(value, name_of(inner))
    if step.data == "short_index":
        return value[int(str(step.children[-1]))]
    key = evaluate(inner, names)
    return value[int(key)] if isinstance(value, list) else attribute_of(value, text(key))


def _access(node: Node, names: Names) -> Any:
    value, step = parts(node)
    return _step(evaluate(value, names), step, names)


def _splat(node: Node, names: Names) -> list[Any]:
    value, splat = parts(node)
    whole = evaluate(value, names)
    results = [] if whole is None else whole if isinstance(whole, list) else [whole]
    for step in parts(splat):
        results = [_step(each, step, names) for each in results]
    return results


def _rounds(node: Node, names: Names) -> Iterator[tuple[Names, list[Node]]]:
    """Go round a `for`: the scope of each round that its condition lets through, and the expressions of the result."""
    intro, *results = parts(node)
    *loop, over = parts(intro)
    condition = results.pop() if results[-1].data == "for_cond" else None
    for key, value in items_of(evaluate(over, names)):
        variables = [value] if len(loop) == 1 else [key, value]
        inner = Inner(names, dict(zip((name_of(variable) for variable in loop), variables, strict=True)))
        if condition is None or evaluate(parts(condition)[0], inner) is True:
            yield inner, results


def _for_tuple(node: Node, names: Names) -> list[Any]:
    return [evaluate(result, inner) for inner, [result] in _rounds(node, names)]


def _for_object(node: Node, names: Names) -> dict[str, Any]:
    pairs = [(text(evaluate(key, inner)), evaluate(value, inner)) for inner, [key, value] in _rounds(node, names)]
    if len(dict(pairs)) != len(pairs):
        raise EvaluationError("two values for one key")
    return dict(pairs)


_RULES: Mapping[str, Callable[[Node, Names], Any]] = {
    "expr_term": _term,
    "string": _string,
    "tuple": lambda node, names: [evaluate(part, names) for part in parts(node)],
    "object": _object,
    "literal_value": lambda node, names: _LITERALS[name_of(node)],
    "int_lit": lambda node, names: int(name_of(node)),
    "float_lit": lambda node, names: number(name_of(node)),
    "function_call": _call,
    "binary_op": _binary,
    "unary_op": _unary,
    "conditional": _conditional,
    "get_attr_expr_term": _access,
    "index_expr_term": _access,
    "full_splat_expr_term": _splat,
    "attr_splat_expr_term": _splat,
    "for_tuple_expr": _for_tuple,
    "for_object_expr": _for_object,
}
