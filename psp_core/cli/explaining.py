"""Why a merchant got what it got."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import click

from psp_core.cli.arguments import MerchantName
from psp_core.cli.context import operator_core
from psp_core.domain.settlement.explanation import Table


@click.command()
@click.argument("merchant", metavar="MERCHANT", type=MerchantName())
@click.option(
    "--on", "day", required=True, type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="The due date, YYYY-MM-DD."
)
def explain(merchant: str, day: datetime) -> None:
    """Explain what MERCHANT got on a date: its settlements by type of line, and what still waits. Changes nothing."""
    explanation = operator_core().explain_merchant(merchant, on=day.date())
    click.echo(explanation.summary)
    for table in explanation.tables():
        click.echo("")
        for line in _lines(table):
            click.echo(line)
    click.echo(f"\nreport: {explanation.report_url or 'none yet'}")


def _lines(table: Table) -> Iterator[str]:
    """Yield the table with its columns one below the other; the numbers, which come last, to the right."""
    yield f"{table.title}: {'' if table.rows else 'none'}".rstrip()
    if not table.rows:
        return
    rows = [table.columns, *table.rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(table.columns))]
    numbers = len(table.columns) - 4
    for row in rows:
        cells = [
            text.rjust(width) if column >= numbers else text.ljust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield f"  {'  '.join(cells)}".rstrip()
