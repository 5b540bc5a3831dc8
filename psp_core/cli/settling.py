"""Paying what is due, and the proof that nothing was lost."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import datetime

import click

from psp_core.cli.context import operator_core, reason_option, recorded
from psp_core.domain.settlement.settlements import SettlementOutcome
from psp_core.usecases.operations.record_operator_action import ActionUnderWay


@click.command()
@click.argument("due_on", metavar="DUE_ON", type=click.DateTime(["%Y-%m-%d"]))
# First, so that it is known when the reason is asked for.
@click.option("--dry-run", is_flag=True, is_eager=True, help="Only show what would be paid; it needs no reason.")
@reason_option
def settle(due_on: datetime, dry_run: bool, reason: str) -> None:
    """Settle what is due on DUE_ON (YYYY-MM-DD)."""
    core = operator_core()
    record = nullcontext(ActionUnderWay()) if dry_run else recorded(core, "settle", reason, due_on=f"{due_on:%Y-%m-%d}")
    with record as under_way:
        lines = _lines(core.settle_payables(due_on=due_on.date(), dry_run=dry_run))
        under_way.did = "; ".join(lines)
    for line in lines:
        click.echo(line)


def _lines(outcome: SettlementOutcome) -> list[str]:
    return [
        f"{currency}: {totals.count} payables, gross {totals.gross_minor}, fee {totals.fee_minor}, "
        f"net {totals.net_minor} (minor units)"
        for currency, totals in outcome.by_currency().items()
    ] or ["nothing is due"]


@click.command(name="check-books")
def check_books() -> None:
    """Check that not a cent was created, lost, paid early or paid twice."""
    operator_core().check_books.require()
    click.echo("the books balance")
