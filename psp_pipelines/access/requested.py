"""What a request to Dagster asks for, as the few short words that a record of it keeps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import Any

import yaml

from psp_core.domain.intake.cards import holds_card_data
from psp_core.domain.operations.operator_actions import REASON_LENGTH_MAX
from psp_pipelines.access.reasons import REASON_TAG

DETAILS_MAX = 30
DETAIL_LENGTH_MAX = 300
NOT_ASKED_FOR = "none: Dagster's page asks for none"
NOT_GIVEN = "none given"

_LAUNCHES = ("executionParams", "executionParamsList", "backfillParams", "reexecutionParams")
_CONFIG = "runConfigData"
_WITHHELD = "(not kept: it holds what may be a card number)"
_DEPTH_MAX = 12


def details_of(asked: Mapping[str, Any]) -> dict[str, str]:
    """Return the request's values by their paths: printable, bounded, and without card data."""
    details: dict[str, str] = {}
    for path, value in _leaves(asked):
        if len(details) == DETAILS_MAX:
            details["more"] = "not kept"
            break
        name = path if _may_be_kept(path) else "(a name)"
        details[_shortened(name)] = _shortened(fit_to_keep(value))
    return details


def reason_of(asked: Mapping[str, Any]) -> str:
    """Return the reason that came with a launch, as its tag or in its config; else the words that there is none."""
    if not any(name in asked for name in _LAUNCHES):
        return NOT_ASKED_FOR
    given = {path.rpartition("tags.")[2].rpartition(".")[2]: value for path, value in _leaves(asked)}
    reason = given.get(REASON_TAG) or given.get("reason") or NOT_GIVEN
    return fit_to_keep(reason)[:REASON_LENGTH_MAX].strip() or NOT_GIVEN


def fit_to_keep(text: str) -> str:
    """Return the text without what a database refuses or a terminal obeys; none of it when it holds card data."""
    printable = "".join(character if character.isprintable() else " " for character in text)
    return printable if _may_be_kept(printable) else _WITHHELD


def _may_be_kept(text: str) -> bool:
    return not holds_card_data(text)


def _shortened(text: str) -> str:
    return text if len(text) <= DETAIL_LENGTH_MAX else f"{text[: DETAIL_LENGTH_MAX - 1]}…"


def _leaves(value: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Yield each value in the request with its path; a list of plain values is one, a list of tags one for each key."""
    if path.endswith(_CONFIG) and isinstance(value, str):
        value = _parsed(value)
    if depth > _DEPTH_MAX:
        yield path, "(deeper)"
    elif isinstance(value, Mapping):
        if set(value) == {"key", "value"}:
            yield f"{path}.{value['key']}", str(value["value"])
            return
        for name, inner in value.items():
            yield from _leaves(inner, f"{path}.{name}" if path else str(name), depth + 1)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        yield from _items(value, path, depth)
    elif value is not None and value != "":
        yield path, str(value.value if isinstance(value, Enum) else value)


def _items(values: Sequence[Any], path: str, depth: int) -> Iterator[tuple[str, str]]:
    plain = [value for value in values if not isinstance(value, Mapping | list | tuple)]
    if plain:
        yield path, ", ".join(str(value) for value in plain)
    for number, value in enumerate(one for one in values if isinstance(one, Mapping | list | tuple)):
        is_tag = isinstance(value, Mapping) and set(value) == {"key", "value"}
        yield from _leaves(value, path if is_tag else f"{path}.{number}", depth + 1)


def _parsed(config: str) -> Any:
    try:
        return yaml.safe_load(config)
    except yaml.YAMLError:
        # Dagster refuses it, too.
        return config
