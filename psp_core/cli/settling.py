"""Paying what is due, and the proof that nothing was lost."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import datetime

import click

from psp_core.cli.context import operator_core, reason_option, recorded
from psp_core.domain.settlement.difference import SettlementDifference
from psp_core.domain.settlement.settlements import SettlementOutcome, Totals, totals_by_currency
from psp_core.usecases.operations.record_operator_action import ActionUnderWay


@click.command()
@click.argument("due_on", metavar="DUE_ON", type=click.DateTime(["%Y-%m-%d"]))
# First, so that it is known when the reason is asked for.
@click.option(
    "--dry-run",
    is_flag=True,
    is_eager=True,
    help="Only show what would be paid; of a date to come, a forecast. It needs no reason.",
)
@click.option("--diff", is_flag=True, help="With --dry-run: the lines that would be added or are missing, by merchant.")
@reason_option
def settle(due_on: datetime, *, dry_run: bool, diff: bool, reason: str) -> None:
    """Settle what is due on DUE_ON (YYYY-MM-DD)."""
    if diff and not dry_run:
        raise click.UsageError("--diff is for a --dry-run: it changes nothing")
    core = operator_core()
    if diff:
        for line in _difference(core.compare_settlement(due_on=due_on.date())):
            click.echo(line)
        return
    record = nullcontext(ActionUnderWay()) if dry_run else recorded(core, "settle", reason, due_on=f"{due_on:%Y-%m-%d}")
    with record as under_way:
        lines = _lines(core.settle_payables(due_on=due_on.date(), dry_run=dry_run))
        under_way.did = "; ".join(lines)
    for line in lines:
        click.echo(line)


def _difference(found: SettlementDifference) -> list[str]:
    lines = [
        f"{sign} {each.customer_id} {each.currency}: {_in_words(each.totals)}"
        for sign, part in (("+", found.added), ("!", found.missing))
        for each in part
    ]
    return ["dry run: nothing was paid; + would be added, ! is missing:", *lines] if lines else ["nothing differs"]


def _lines(outcome: SettlementOutcome) -> list[str]:
    lines = [f"{currency}: {_in_words(totals)}" for currency, totals in outcome.by_currency().items()]
    available = [
        f"{currency}, already available since it was paid at once: {_in_words(totals)}"
        for currency, totals in totals_by_currency(outcome.available).items()
    ]
    return [*_headline(outcome), *(lines or ["nothing is due"]), *available]


def _headline(outcome: SettlementOutcome) -> list[str]:
    if outcome.is_forecast:
        return [f"forecast: nothing is paid before {outcome.due_on}, and more may fall due on it; due by now:"]
    return ["dry run: nothing was paid; to be paid:"] if outcome.dry_run else []


def _in_words(totals: Totals) -> str:
    return (
        f"{totals.count} payables, gross {totals.gross_minor}, fee {totals.fee_minor}, net {totals.net_minor} "
        "(minor units)"
    )


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
