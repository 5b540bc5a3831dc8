"""Paying what is due, and the proof that nothing was lost."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import datetime

import click

from psp_core.cli.arguments import Reason
from psp_core.cli.context import operator_core, recorded


@click.command()
@click.argument("due_on", metavar="DUE_ON", type=click.DateTime(["%Y-%m-%d"]))
@click.option("--dry-run", is_flag=True, help="Only show what would be paid.")
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
    for currency, totals in report.by_currency().items():
        click.echo(
            f"{currency}: {totals.count} payables, gross {totals.gross_minor}, fee {totals.fee_minor}, "
            f"net {totals.net_minor} (minor units)"
        )
    if not report.settled:
        click.echo("nothing is due")


@click.command(name="check-books")
@click.option("--full", is_flag=True, help="All of history, a month at a time; else what changed since the last seal.")
def check_books(full: bool) -> None:
    """Check that not a cent was created, lost, paid early or paid twice."""
    check = operator_core().check_books
    if full:
        check.require_everything(on_progress=lambda month: click.echo(f"{month:%Y-%m}", err=True))
        click.echo("the books balance, all of them")
    else:
        check.require()
        click.echo("the books balance")
