"""All tables of a plan, and those that `infrastructure/promises.md` holds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from tests.infrastructure.promises import access, network, programs, rest, watch
from tests.infrastructure.promises.reading import Reading, Row, Table
from tests.infrastructure.terraform.plan import Files, Plan


def tables_of(plan: Plan, files: Files) -> list[Table]:
    reading = Reading(plan, files)
    # In this order: `rest` tells what the others have left.
    return [table for part in (network, access, programs, watch, rest) for table in part.tables(reading)]


def written(table: Table) -> str:
    lines = [tuple(table.columns), ("---",) * len(table.columns), *sorted(table.rows)]
    return "\n".join([f"## {table.title}", "", *(_line(line) for line in lines)])


def read(text: str) -> dict[str, list[Row]]:
    """Return the rows of each table of a Markdown page, by the heading above it."""
    found: dict[str, list[Row]] = {}
    for heading, section in re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL):
        lines = [line for line in section.splitlines() if line.startswith("| ")]
        found[heading] = [tuple(line[2:-2].replace("\\*", "*").split(" | ")) for line in lines[2:]]
    return found


def differences(promised: dict[str, list[Row]], tables: Sequence[Table]) -> list[str]:
    """Return a line for each row that is promised and is not, and for each that is and was not promised."""
    found = {table.title: table.rows for table in tables}
    lines = []
    for title in [*found, *(promised.keys() - found.keys())]:
        wanted, is_so = promised.get(title, []), found.get(title, [])
        lines += [f"{title}: not so: {_line(row)}" for row in _without(wanted, is_so)]
        lines += [f"{title}: but: {_line(row)}" for row in _without(is_so, wanted)]
    return lines


def _line(row: Row) -> str:
    """Return it as Markdown, in which an asterisk has a meaning of its own."""
    return f"| {' | '.join(row)} |".replace("*", "\\*")


def _without(rows: Iterable[Row], others: Iterable[Row]) -> list[Row]:
    left = list(others)
    missing = []
    for row in rows:
        if row in left:
            left.remove(row)
        else:
            missing.append(row)
    return missing
