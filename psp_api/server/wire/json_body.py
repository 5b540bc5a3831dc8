"""JSON that means one thing to everybody: no number that JSON does not have, and no key twice (RFC 8259, I-JSON)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import orjson

from psp_api.server.problems.catalogue import BROKEN_JSON
from psp_api.server.problems.refusals import Refusal


def sound_json(raw: bytes) -> Any:
    """Return what the body says. Raises Refusal unless it is JSON (NaN is not) and no object in it has a key twice."""
    try:
        parsed = orjson.loads(raw)
    except ValueError as error:
        raise Refusal(BROKEN_JSON, f"Invalid JSON: {error}") from None
    # A member has a colon of its own, and text may hold more of them. As many as there are keys: no key was lost. That
    # takes a tenth of the time in which Python's parser looks at each key.
    if raw.count(b":") != _keys(parsed):
        _require_keys_once(raw)
    return parsed


def texts_in(value: Any) -> Iterator[str]:
    """Yield every name, text and number in what a body says, however deep."""
    left = [value]
    while left:
        found = left.pop()
        if isinstance(found, dict):
            yield from found
            left += found.values()
        elif isinstance(found, list):
            left += found
        elif found is not None:
            yield str(found)


def _keys(parsed: Any) -> int:
    """Count the keys at the level where bodies have theirs."""
    rows = parsed if type(parsed) is list else [parsed]
    return sum(len(row) for row in rows if type(row) is dict)


def _require_keys_once(raw: bytes) -> None:
    try:
        # Numbers are left as they are: one with thousands of digits takes its time.
        json.loads(raw, object_pairs_hook=_once, parse_int=str, parse_float=str)
    except RecursionError:
        raise Refusal(BROKEN_JSON, "Invalid JSON: it is nested too deeply") from None


def _once(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) < len(pairs):
        raise Refusal(BROKEN_JSON, "Invalid JSON: an object has the same key twice")
