"""The rules that price merchants' sales: kept in a file, looked at before they are applied."""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path

import click

from psp_core.cli.arguments import MerchantName, Reason
from psp_core.cli.context import operator_core, recorded
from psp_core.cli.pricing import plan_text
from psp_core.cli.pricing.asking import confirm, yes_option
from psp_core.cli.pricing.plan_file import EVERY_MERCHANT, PlanFileRefused, Plans, read_plan_file
from psp_core.domain.intake.card_brands import NAMES
from psp_core.domain.intake.transactions import INSTALLMENTS_MAX, PaymentMethod
from psp_core.domain.kernel.money import AMOUNT_MINOR_MAX, Currency, Money
from psp_core.domain.pricing.plan_rules import Sale

_SCHEMA = Path(__file__).with_name("plans.schema.json")
_file = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))


class Instant(click.ParamType[datetime]):
    """A moment with its offset, or with Z."""

    name = "instant"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        try:
            instant = datetime.fromisoformat(str(value))
        except ValueError:
            instant = None
        if instant is None or instant.tzinfo is None:
            self.fail("an instant is written like 2026-12-01T00:00:00-03:00, with its offset", param, ctx)
        return instant


@click.group()
def plans() -> None:
    """The rules that price sales: by merchant, card and installments, kept in a YAML file."""


@plans.command()
@_file
def validate(file: Path) -> None:
    """Say what is wrong with FILE, by line; no database is asked."""
    found = _read(file)
    click.echo(f"{file}: {len(found.wanted)} rules for {len(found.merchants)} merchants")


@plans.command()
def schema() -> None:
    """Print the JSON schema of a file, for editors."""
    click.echo(_SCHEMA.read_text(encoding="utf-8"), nl=False)


@plans.command()
@_file
def diff(file: Path) -> None:
    """Show what `apply` would change."""
    found = _read(file)
    for line in plan_text.difference(operator_core().change_plans.preview(found.merchants, found.wanted)):
        click.echo(line)


@plans.command()
@_file
@click.option("--reason", default="", type=Reason(), help="Why: recorded, and kept for ever.")
@yes_option
def apply(file: Path, reason: str, yes: bool) -> None:
    """Show what changes, ask, and make FILE's rules those of the merchants that it names."""
    if not reason.strip():
        raise click.UsageError("what is done by hand needs a --reason")
    found = _read(file)
    core = operator_core()
    changes = core.change_plans.preview(found.merchants, found.wanted)
    for line in plan_text.difference(changes):
        click.echo(line)
    if not changes:
        return
    confirm(yes, "Change the rules?", look_at="psp plans diff")
    details = {
        "file": file.name,
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        "ended": str(len(changes.endings)),
        "begun": str(len(changes.beginnings)),
    }
    with recorded(core, "plans apply", reason, **details):
        core.change_plans(found.merchants, found.wanted, expected=changes, reason=reason)
    click.echo(f"{len(changes.endings)} rules end, {len(changes.beginnings)} begin")


@plans.command()
@click.argument("merchants", nargs=-1, type=MerchantName())
@click.option("--at", type=Instant(), help="What was in force then, or later; now, when it is left out.")
def show(merchants: tuple[str, ...], at: datetime | None) -> None:
    """Print the rules of MERCHANTS and those for all, as a file that can be applied."""
    core = operator_core()
    wanted = [None if name == EVERY_MERCHANT else name for name in dict.fromkeys((EVERY_MERCHANT, *merchants))]
    for line in plan_text.as_file(core.show_plans(wanted, at=at), wanted):
        click.echo(line)


@plans.command()
@click.argument("customer_id", type=MerchantName())
@click.argument("amount_minor", type=click.IntRange(1, AMOUNT_MINOR_MAX))
@click.option("--method", default="credit_card", type=click.Choice([item.value for item in PaymentMethod]))
@click.option("--brand", default="visa", show_default=True, type=click.Choice(NAMES))
@click.option("--installments", default=1, show_default=True, type=click.IntRange(1, INSTALLMENTS_MAX))
@click.option(
    "--currency",
    type=click.Choice([item.value for item in Currency]),
    metavar="CODE",
    help="By ISO 4217; the platform's, if left out.",
)
@click.option("--at", type=Instant(), help="When it is captured; now, when it is left out.")
def price(
    customer_id: str,
    amount_minor: int,
    *,
    method: str,
    brand: str,
    installments: int,
    currency: str | None,
    at: datetime | None,
) -> None:
    """Tell what a sale of AMOUNT_MINOR minor units would cost CUSTOMER_ID, when it would be paid, and by which rule."""
    core = operator_core()
    money = Money(amount_minor, Currency(currency) if currency else core.settings.currency)
    sale = Sale(customer_id, PaymentMethod(method), brand, money.currency, installments)
    try:
        quote = core.price_sale(sale, amount=money, at=at)
    except ValueError as refusal:
        raise click.ClickException(str(refusal)) from refusal
    for line in plan_text.priced(quote):
        click.echo(line)


def _read(file: Path) -> Plans:
    try:
        return read_plan_file(file)
    except PlanFileRefused as refusal:
        raise click.ClickException(str(refusal)) from refusal
