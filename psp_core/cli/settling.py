"""Paying what is due, and the proof that nothing was lost."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import datetime

import click

from psp_core.cli.arguments import Reason
from psp_core.cli.context import operator_core, recorded
from psp_core.domain.settlement.settlements import SettlementOutcome, Totals, totals_by_currency


@click.command()
@click.argument("due_on", metavar="DUE_ON", type=click.DateTime(["%Y-%m-%d"]))
@click.option("--dry-run", is_flag=True, help="Only show what would be paid; of a date to come, a forecast.")
@click.option(
    "--reason",
    default="",
    type=Reason(),
    help="Why this is done by hand: recorded, and asked for unless it is a dry run.",
)
def settle(due_on: datetime, dry_run: bool, reason: str) -> None:
    """Settle what is due on DUE_ON (YYYY-MM-DD)."""
    core = operator_core()
    if not (dry_run or reason.strip()):
        raise click.UsageError("what is done by hand needs a --reason")
    record = nullcontext() if dry_run else recorded(core, "settle", reason, due_on=f"{due_on:%Y-%m-%d}")
    with record:
        report = core.settle_payables(due_on=due_on.date(), dry_run=dry_run)
    _show(report)


def _show(report: SettlementOutcome) -> None:
    if report.is_forecast:
        click.echo(f"forecast: nothing is paid before {report.due_on}, and more may fall due on it; due by now:")
    elif report.dry_run:
        click.echo("dry run: nothing was paid; to be paid:")
    for currency, totals in report.by_currency().items():
        click.echo(f"{currency}: {_in_words(totals)}")
    if not report.settled:
        click.echo("nothing is due")
    for currency, totals in totals_by_currency(report.available).items():
        click.echo(f"{currency}, already available since it was paid at once: {_in_words(totals)}")


def _in_words(totals: Totals) -> str:
    return (
        f"{totals.count} payables, gross {totals.gross_minor}, fee {totals.fee_minor}, net {totals.net_minor} "
        "(minor units)"
    )


@click.command(name="check-books")
def check_books() -> None:
    """Check that not a cent was created, lost, paid early or paid twice."""
    operator_core().check_books.require()
    click.echo("the books balance")
