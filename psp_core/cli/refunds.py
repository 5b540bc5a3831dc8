"""Money that is given back, and a merchant's terms for it."""

from __future__ import annotations

from uuid import UUID

import click

from psp_core.cli.arguments import MerchantName
from psp_core.cli.context import operator_core, reason_option, recorded
from psp_core.domain.kernel.money import AMOUNT_MINOR_MAX, ONE_HUNDRED_PERCENT_BPS, Currency, written
from psp_core.domain.pricing.refund_terms import RESERVE_DAYS_MAX, MerchantTerms
from psp_core.domain.refunds import Refund, told_payable
from psp_core.usecases.refunds.create_refund import NewRefund

_MINOR = click.IntRange(1, AMOUNT_MINOR_MAX)


@click.group()
def refunds() -> None:
    """Money that is given back."""


@refunds.command()
@click.argument("transaction_id", type=click.UUID)
@click.option("--amount", type=_MINOR, help="In minor units; all that is left, unless it is given.")
@click.option("--reference", help="The merchant's own.")
@reason_option
def create(transaction_id: UUID, amount: int | None, reference: str | None, reason: str) -> None:
    """Give back TRANSACTION_ID, or a part of it. The merchant reads the reason, too."""
    core = operator_core()
    made: list[str] = []
    with recorded(core, "refunds create", reason, transaction_id=str(transaction_id)) as under_way:
        customer_id = core.create_refund.merchant_of(transaction_id)
        new = NewRefund(customer_id, transaction_id, amount, reason, reference)
        core.create_refund(new, render=lambda refund, rows: _told(made, refund, [told_payable(row) for row in rows]))
        under_way.did = made[0]
    for line in made:
        click.echo(line)


@refunds.command()
@click.argument("refund_id", type=click.UUID)
@reason_option
def fail(refund_id: UUID, reason: str) -> None:
    """Let REFUND_ID have failed: the merchant gets back what it took, and reads the reason, too."""
    core = operator_core()
    with recorded(core, "refunds fail", reason, refund_id=str(refund_id)) as under_way:
        failed = core.fail_refund(refund_id, reason=reason)
        amount = failed.refund.amount
        under_way.did = f"refund {refund_id} of {amount.currency} {written(amount.minor, amount.currency)} has failed"
    click.echo(under_way.did)
    for row in failed.payables:
        click.echo(told_payable(row))


@click.group(name="merchant-terms")
def merchant_terms() -> None:
    """What a merchant may owe, and what is kept back of its money."""


@merchant_terms.command(name="set")
@click.argument("customer_id", type=MerchantName())
@click.argument("currency", type=click.Choice([each.value for each in Currency]), metavar="CURRENCY")
@click.option(
    "--negative-limit",
    type=click.IntRange(0, AMOUNT_MINOR_MAX),
    help="How far below nothing a refund may take all that the merchant has and is to get, in minor units.",
)
@click.option("--no-limit", is_flag=True, help="Refunds are never refused for lack of money.")
@click.option("--reserve-bps", type=click.IntRange(0, ONE_HUNDRED_PERCENT_BPS), help="Kept back of each settlement.")
@click.option("--reserve-days", type=click.IntRange(0, RESERVE_DAYS_MAX), help="For how long.")
@reason_option
def set_terms(
    customer_id: str,
    currency: str,
    *,
    negative_limit: int | None,
    no_limit: bool,
    reserve_bps: int | None,
    reserve_days: int | None,
    reason: str,
) -> None:
    """Change CUSTOMER_ID's terms in CURRENCY: those that are named, and no others."""
    if no_limit and negative_limit is not None:
        raise click.UsageError("give one of --negative-limit and --no-limit")
    named = {"negative_limit_minor": negative_limit, "reserve_bps": reserve_bps, "reserve_days": reserve_days}
    changed: dict[str, int | None] = {name: value for name, value in named.items() if value is not None}
    if no_limit:
        changed["negative_limit_minor"] = None
    if not changed:
        raise click.UsageError("say what changes: --negative-limit or --no-limit, --reserve-bps, --reserve-days")
    core = operator_core()
    details = {name: "none" if value is None else str(value) for name, value in changed.items()}
    with recorded(
        core, "merchant-terms set", reason, customer_id=customer_id, currency=currency, **details
    ) as under_way:
        before, after = core.set_merchant_terms(customer_id, Currency(currency), changed=changed)
        under_way.did = f"{customer_id} in {currency}: {_terms(before)} -> {_terms(after)}"
    click.echo(under_way.did)


def _terms(terms: MerchantTerms) -> str:
    limit = "no limit" if terms.negative_limit_minor is None else f"a limit of {terms.negative_limit_minor}"
    return f"{limit}, a reserve of {terms.reserve_bps} bps for {terms.reserve_days} days"


def _told(made: list[str], refund: Refund, payables: list[str]) -> bytes:
    amount = refund.amount
    fee = written(refund.fee_returned.minor, amount.currency)
    made.append(
        f"refund {refund.id}: {amount.currency} {written(amount.minor, amount.currency)}, of the fee {fee} is returned"
    )
    made.extend(payables)
    return b""
