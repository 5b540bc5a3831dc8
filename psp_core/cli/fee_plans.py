"""The merchants' terms."""

from __future__ import annotations

import click

from psp_core.cli.arguments import MerchantName
from psp_core.cli.context import operator_core, reason_option, recorded
from psp_core.domain.kernel.calendar import BankCalendar
from psp_core.domain.pricing.fee_plans import DEFAULT_FEE_PLAN, DELAY_DAYS_MAX, FEE_BPS_MAX

_BPS = click.IntRange(0, FEE_BPS_MAX)


@click.group(name="fee-plans")
def fee_plans() -> None:
    """The merchants' terms."""


@fee_plans.command(name="set")
@click.argument("customer_id", type=MerchantName())
@click.option("--credit-fee-bps", default=DEFAULT_FEE_PLAN.credit_fee_bps, show_default=True, type=_BPS)
@click.option("--debit-fee-bps", default=DEFAULT_FEE_PLAN.debit_fee_bps, show_default=True, type=_BPS)
@click.option(
    "--credit-delay-days",
    default=DEFAULT_FEE_PLAN.credit_delay_days,
    show_default=True,
    type=click.IntRange(0, DELAY_DAYS_MAX),
)
@click.option("--calendar", type=click.Choice([item.value for item in BankCalendar]), default="every_day")
@reason_option
def set_fee_plan(
    customer_id: str, *, credit_fee_bps: int, debit_fee_bps: int, credit_delay_days: int, calendar: str, reason: str
) -> None:
    """Change CUSTOMER_ID's terms for transactions from now on."""
    core = operator_core()
    terms = {"credit_fee_bps": credit_fee_bps, "debit_fee_bps": debit_fee_bps, "credit_delay_days": credit_delay_days}
    shown = {name: str(value) for name, value in terms.items()}
    with recorded(core, "fee-plans set", reason, customer_id=customer_id, calendar=calendar, **shown):
        core.change_fee_plan(customer_id, **terms, calendar=BankCalendar(calendar))
    click.echo(f"{customer_id}: credit {credit_fee_bps} bps after {credit_delay_days} days, debit {debit_fee_bps} bps")
