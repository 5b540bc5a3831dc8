"""The ledger: what everybody has, and the proof of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TextIO
from uuid import UUID

import click

from psp_core.cli.arguments import MerchantName
from psp_core.cli.context import operator_core, reason_option, recorded
from psp_core.domain.kernel.errors import BooksDoNotBalance
from psp_core.domain.kernel.money import written
from psp_core.domain.ledger.accounts import Account, Side
from psp_core.domain.ledger.entries import Entry, Posting

_DAY = click.DateTime(["%Y-%m-%d"])


class _PostingText(click.ParamType[Posting]):
    """`SIDE ACCOUNT AMOUNT [MERCHANT]`, the amount in minor units."""

    name = "posting"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Posting:
        match str(value).split(maxsplit=3):
            case [side, account, amount, *merchant] if len(merchant) <= 1:
                pass
            case _:
                self.fail(f"{value!r} is not SIDE ACCOUNT AMOUNT [MERCHANT]", param, ctx)
        try:
            posting = Posting(Account(account), next(iter(merchant), None), Side(side), int(amount))
        except ValueError:
            self.fail(f"{value!r} has no such side or account, or an amount that is no whole number", param, ctx)
        if posting.customer_id is not None:
            MerchantName().convert(posting.customer_id, param, ctx)
        return posting


@click.group()
def ledger() -> None:
    """What everybody has, and the proof of it."""


@ledger.command(name="open")
def open_ledger() -> None:
    """Book what existed before there was a ledger. Dagster does so every ten minutes; killed, it goes on."""
    report = operator_core().book_what_exists(
        on_progress=lambda ranges: click.echo(f"{ranges:,} ranges of payables", err=True)
    )
    state = "has ended" if report.is_ended else "has not ended: a program of before still makes payables"
    click.echo(f"{report.entries} opening entries were made; the opening {state}")


@ledger.command()
@click.argument("day", metavar="DAY", type=_DAY)
@reason_option
def seal(day: datetime, reason: str) -> None:
    """Seal every business date up to DAY (YYYY-MM-DD). Dagster does so every night."""
    core = operator_core()
    with recorded(core, "ledger seal", reason, day=f"{day:%Y-%m-%d}") as under_way:
        sealed = core.seal_days(day.date())
        under_way.did = f"{sealed.day}: {sealed.entries} entries, SHA-256 {sealed.hash.hex()}"
    click.echo(under_way.did)


@ledger.command()
@click.option("--since", type=_DAY, help="Only from this day on; the day before is taken as it stands.")
def verify(since: datetime | None) -> None:
    """Recompute every sealed day from its entries: its hash, its place in the chain, its totals."""
    proof = operator_core().verify_ledger(
        since=since.date() if since else None, on_progress=lambda day: click.echo(f"{day}", err=True)
    )
    if proof.discrepancies:
        raise BooksDoNotBalance(proof.discrepancies)
    click.echo(f"{proof.days} sealed days are as they were sealed; the last one's SHA-256 is {proof.last_hash.hex()}")


@ledger.command()
@click.argument("entry_id", type=click.UUID)
def entry(entry_id: UUID) -> None:
    """Show an entry with its postings."""
    view = operator_core().read_ledger.entry(entry_id)
    _show(view.entry)
    if view.reversed_by:
        click.echo(f"reversed by {view.reversed_by}")
    if view.payables:
        click.echo(f"{view.payables} payables name it")


@ledger.command()
@click.argument("customer_id", type=MerchantName())
def balance(customer_id: str) -> None:
    """Show what CUSTOMER_ID has, in each currency."""
    balances = operator_core().read_ledger.balances(customer_id)
    for each in balances:
        parts = {
            "pending": each.pending_minor,
            "settling": each.settling_minor,
            "available": each.available_minor,
            "reserve": each.reserve_minor,
            "in transit": each.in_transit_minor,
            "debt": each.debt_minor,
        }
        shown = ", ".join(f"{name} {written(minor, each.currency)}" for name, minor in parts.items())
        click.echo(f"{each.currency}: {shown}")
    if not balances:
        click.echo(f"nothing was ever posted for {customer_id}")


@ledger.command()
@click.argument("entry_id", type=click.UUID)
@click.option(
    "--instead",
    multiple=True,
    type=_PostingText(),
    metavar="'SIDE ACCOUNT AMOUNT [MERCHANT]'",
    help="A posting of the right entry, in minor units; repeat it.",
)
@reason_option
def reverse(entry_id: UUID, instead: Sequence[Posting], reason: str) -> None:
    """Post the mirror of an entry that was wrong, and what it should have said. The books tell if that is right.

    The reason stands in the entry, too.
    """
    core = operator_core()
    with recorded(core, "ledger reverse", reason, entry_id=str(entry_id)) as under_way:
        posted = core.reverse_entry(entry_id, reason=reason, instead=instead)
        under_way.did = ", ".join(f"{each.kind} {each.id}" for each in posted)
    for each in posted:
        _show(each)


@ledger.command()
@click.argument("file", type=click.File("w", encoding="utf-8", lazy=False), default="-")
def export(file: TextIO) -> None:
    """Write the whole ledger to FILE in Beancount's format, with every stored balance as an assertion.

    `bean-check FILE` then proves it.
    """
    count = operator_core().read_ledger.export(lambda line: file.write(f"{line}\n"))
    click.echo(f"{count} entries", err=True)


def _show(shown: Entry) -> None:
    click.echo(f"{shown.id} {shown.kind} {shown.currency} effective on {shown.effective_on}, of {shown.recorded_at}")
    for account, customer_id, side, amount in shown.postings:
        click.echo(f"  {side:6} {account} {customer_id or ''} {written(amount, shown.currency)}")
