"""Columns of values as array literals: `'{1,2,3}'` with a cast, to be unnested by one statement.

psycopg2 writes a list as `ARRAY['…'::timestamptz, …]`, an expression for each element, which takes
several times as long to write, and again to parse, as one literal.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from uuid import UUID

import orjson


def numbers(values: Iterable[int]) -> str:
    return f"{{{','.join(map(str, values))}}}"


def uuids(values: Iterable[UUID | None]) -> str:
    return _as_json(values)


def instants(values: Iterable[datetime | None]) -> str:
    return _as_json(values)


def dates(values: Iterable[date]) -> str:
    return _as_json(values)


def texts(values: Iterable[str | None]) -> str:
    """Quote every element; a string that says NULL is not the absence of one."""
    elements = list(values)
    present = [element for element in elements if element is not None]
    joined = '","'.join(present)
    # Most columns have nothing to escape and nothing absent: seen at once, in C.
    if len(present) == len(elements) and "\\" not in joined and joined.count('"') == 2 * (len(elements) - 1):
        return f'{{"{joined}"}}'
    return f"{{{','.join([_quoted(element) for element in elements])}}}"


def _as_json(values: Iterable[object]) -> str:
    """For what needs no escape: a list in JSON is then an array literal but for its brackets, and quickly made."""
    return f"{{{orjson.dumps(list(values)).decode()[1:-1]}}}"


def _quoted(value: str | None) -> str:
    if value is None:
        return "NULL"
    if "\\" in value or '"' in value:
        value = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{value}"'
