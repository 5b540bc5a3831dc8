"""Cells of a CSV file that a spreadsheet shows and never runs, whatever merchants call themselves and their orders."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from typing import Any

_FORMULA_STARTS = frozenset("=+-@\N{MINUS SIGN}")
# Where some program begins another cell: at a line's end, at a tab, and in half of the world at a semicolon.
_SEPARATORS = frozenset(";\t\n\v\f\r\x85\N{LINE SEPARATOR}\N{PARAGRAPH SEPARATOR}")
_SPACES_AND_INVISIBLE = frozenset({"Zs", "Cc", "Cf"})
_TEXT = "'"
"""In front of a cell, it tells spreadsheets that what follows is text."""


def cell(value: Any) -> Any:
    """Return what the CSV writer is given for a value of a report. Numbers stay numbers, so that they add up."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return _as_text(value) if isinstance(value, str) else value


def _as_text(text: str) -> str:
    """Return the text with a `'` before each place at which a formula could begin, and as it is without one."""
    written: list[str] = []
    at_start = True
    for character in text:
        # A full-width equals sign is an equals sign for some of them.
        plain = unicodedata.normalize("NFKC", character)[:1]
        if at_start and plain in _FORMULA_STARTS:
            written.append(_TEXT)
        written.append(character)
        at_start = plain in _SEPARATORS or (at_start and _is_skipped(plain))
    made = "".join(written)
    return made if made == text and text[:1] not in _SEPARATORS else _TEXT + made.removeprefix(_TEXT)


def _is_skipped(character: str) -> bool:
    return character == '"' or unicodedata.category(character) in _SPACES_AND_INVISIBLE
