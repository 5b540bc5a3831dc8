"""pydantic's findings in the API's own words: stable codes, JSON pointers, and never the value that was sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal

from pydantic import ValidationError

from psp_api.server.problems.catalogue import BROKEN_JSON
from psp_api.server.problems.refusals import FieldProblem, Refusal
from psp_api.server.wire.json_body import texts_in
from psp_api.server.wire.words import OF_PATTERNS
from psp_core.domain.intake.cards import CARD_DIGITS_MIN, holds_card_data, without_card_data

CARD_DATA: Literal["card_number_in_text"] = "card_number_in_text"
CARD_DATA_DETAIL: Literal["must not contain a card number: it would be stored"] = (
    "must not contain a card number: it would be stored"
)
_NAME_LENGTH_MAX = 64
_CODES = {
    "missing": "required",
    "extra_forbidden": "unknown_parameter",
    "enum": "not_allowed",
    "literal_error": "not_allowed",
    "string_pattern_mismatch": "wrong_format",
    "string_too_short": "too_short",
    "string_too_long": "too_long",
    "too_short": "too_few",
    "too_long": "too_many",
    "greater_than_equal": "out_of_range",
    "less_than_equal": "out_of_range",
    "string_type": "wrong_type",
    "int_type": "wrong_type",
    "int_from_float": "wrong_type",
    "model_type": "wrong_type",
    "list_type": "wrong_type",
    "model_attributes_type": "wrong_type",
}

# By pydantic's names, with what it knows of the rule; never with what was sent.
_DETAILS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "missing": lambda _: "must be given",
    "extra_forbidden": lambda _: "is not known here",
    "enum": lambda rule: f"must be {rule['expected']}",
    "literal_error": lambda rule: f"must be {rule['expected']}",
    "string_pattern_mismatch": lambda rule: OF_PATTERNS.get(rule["pattern"], f"must match {rule['pattern']}"),
    "string_too_short": lambda rule: f"must have {rule['min_length']} or more characters",
    "string_too_long": lambda rule: f"must have {rule['max_length']} characters at most",
    "too_short": lambda rule: f"must have {rule['min_length']} or more elements",
    "too_long": lambda rule: f"must have {rule['max_length']:,} elements at most",
    "greater_than_equal": lambda rule: f"must be {rule['ge']} or more",
    "less_than_equal": lambda rule: f"must be {rule['le']} or less",
    "string_type": lambda _: "must be a string",
    "int_type": lambda _: "must be an integer",
    "int_from_float": lambda _: "must be an integer",
    "model_type": lambda _: "must be an object",
    "model_attributes_type": lambda _: "must be an object",
    "list_type": lambda _: "must be an array",
}


def body_problems(error: ValidationError) -> list[FieldProblem]:
    """Return what is wrong with a body, by JSON pointer. Raises Refusal when it is no JSON at all."""
    found = _findings(error)
    if found[0]["type"] == "json_invalid":
        raise Refusal(BROKEN_JSON, found[0]["msg"])
    return [_problem(_pointer(item["loc"]), item) for item in found]


def parameter_problems(error: ValidationError, *, where: str) -> list[FieldProblem]:
    """Return what is wrong with parameters that come by name, as in `query:limit`."""
    return [_problem(parameter_pointer(where, str(item["loc"][0])), item) for item in _findings(error)]


def parameter_pointer(where: str, name: str) -> str:
    """Return how a parameter is named to the caller, who may have made a card number its name."""
    return f"{where}:{without_card_data(name, '*')[:_NAME_LENGTH_MAX]}"


def card_data(pointer: str) -> FieldProblem:
    """Return the problem of a text with card data in it."""
    return {"pointer": pointer, "code": CARD_DATA, "detail": CARD_DATA_DETAIL}


def cards_in_unknown_fields(parsed: Any, *, known: frozenset[str]) -> Iterator[FieldProblem]:
    """They are not kept; but whoever sends a card's number there does not know, and it is in logs on the way."""
    for index, row in enumerate(parsed if isinstance(parsed, list) else [parsed]):
        if not isinstance(row, dict) or known.issuperset(row):
            continue
        number = row.get("card_number")
        own = number if isinstance(number, str) and len(number) >= CARD_DIGITS_MIN and number.isdecimal() else None
        for name in row.keys() - known:
            if any(holds_card_data(text, number=own) for text in (name, *texts_in(row[name]))):
                yield _card_data_in_unknown_field(f"/{index}" if isinstance(parsed, list) else "", name)


def _card_data_in_unknown_field(row: str, name: str) -> FieldProblem:
    """Return the problem of a field that the contract does not know; `row` points to where it is."""
    shown = without_card_data(name, "*")[:_NAME_LENGTH_MAX].replace("~", "~0").replace("/", "~1")
    return {"pointer": f"{row}/{shown}", "code": CARD_DATA, "detail": "must not contain a card number: send it once"}


def _findings(error: ValidationError) -> list[Any]:
    return list(error.errors(include_url=False, include_input=False))


def _problem(pointer: str, item: Any) -> FieldProblem:
    kind = item["type"]
    detail = _DETAILS[kind](item.get("ctx", {})) if kind in _DETAILS else item["msg"]
    return {"pointer": pointer, "code": _CODES.get(kind, kind), "detail": detail}


def _pointer(location: Iterable[int | str]) -> str:
    """Return the JSON pointer (RFC 6901) of pydantic's location; our names need no escaping."""
    return "".join(f"/{part}" for part in location)
