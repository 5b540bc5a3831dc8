"""The merchants' terms."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import click

from psp_core.cli.arguments import MerchantName
from psp_core.cli.context import operator_core, reason_option, recorded
from psp_core.domain.kernel.calendar import BankCalendar, start_of
from psp_core.domain.kernel.errors import UnknownMerchant
from psp_core.domain.pricing.fee_plans import (
    DEFAULT_FEE_PLAN,
    DELAY_DAYS_MAX,
    FEE_BPS_MAX,
    TERMS,
    ChangedTerms,
    FeePlan,
    differences,
    plan_in_force,
)
from psp_core.usecases.pricing.change_fee_plan import ProposedChange
from psp_core.usecases.pricing.read_fee_plans import LISTED_MERCHANTS_MAX

_BPS = click.IntRange(0, FEE_BPS_MAX)
_ONE_DAY = timedelta(days=1)
_HISTORY_MAX = 100


@click.group(name="fee-plans")
def fee_plans() -> None:
    """The merchants' terms: fees in basis points (100 are one per cent), the delay in days."""


@fee_plans.command(name="set")
@click.argument("customer_id", type=MerchantName())
@click.option("--credit-fee-bps", type=_BPS)
@click.option("--debit-fee-bps", type=_BPS)
@click.option("--credit-delay-days", type=click.IntRange(0, DELAY_DAYS_MAX))
@click.option("--calendar", type=click.Choice([item.value for item in BankCalendar]))
@click.option("--new-merchant", is_flag=True, help="Nothing is known yet of CUSTOMER_ID, and that is no mistake.")
@click.option("--yes", is_flag=True, help="Do not ask whether the change is meant: for scripts.")
@reason_option
def set_fee_plan(customer_id: str, *, new_merchant: bool, yes: bool, reason: str, **options: Any) -> None:
    """Change CUSTOMER_ID's terms for transactions from now on: those that are named, and no others."""
    if all(value is None for value in options.values()):
        names = ", ".join(f"--{name.replace('_', '-')}" for name in TERMS)
        raise click.UsageError(f"say what changes: {names}")
    terms = ChangedTerms(**options | {"calendar": options["calendar"] and BankCalendar(options["calendar"])})
    core = operator_core()
    change = core.change_fee_plan.propose(customer_id, terms=terms)
    # Who is unknown is refused below, and the refusal recorded.
    if (change.is_known or new_merchant) and not _is_meant(customer_id, change, zone=core.settings.zone, yes=yes):
        return
    named = {name: f"{old} -> {new}" for name, (old, new) in differences(change.before, change.after).items()}
    try:
        with recorded(core, "fee-plans set", reason, customer_id=customer_id, **named) as under_way:
            plan = core.change_fee_plan(customer_id, terms=terms, may_be_new=new_merchant, shown=change.before)
            under_way.did = _shown(plan)
    except UnknownMerchant as refusal:
        raise click.ClickException(f"{refusal}; where it is no mistake, add --new-merchant") from refusal
    click.echo(f"{customer_id}: {_shown(plan)}")


@fee_plans.command(name="show")
@click.argument("customer_id", type=MerchantName())
@click.option("--on", metavar="DATE", type=click.DateTime(["%Y-%m-%d"]), help="Only what is in force on that day.")
def show_fee_plans(customer_id: str, on: datetime | None) -> None:
    """Show CUSTOMER_ID's terms: in force, to come and past, newest first; days are those of PSP_TIME_ZONE."""
    core = operator_core()
    zone, now = core.settings.zone, core.clock.now()
    plans = [DEFAULT_FEE_PLAN, *core.read_fee_plans.of(customer_id)]
    in_force = plan_in_force(plans, at=now)
    if on is not None:
        first, end = start_of(on.date(), zone), start_of(on.date() + _ONE_DAY, zone)
        at_first = plan_in_force(plans, at=first)
        plans = [plan for plan in plans if plan is at_first or first < plan.effective_from < end]
    for plan in sorted(plans, key=lambda plan: plan.effective_from, reverse=True)[:_HISTORY_MAX]:
        state = "in force" if plan is in_force else "to come" if plan.effective_from > now else "past"
        click.echo(f"{state:<10}{_since(plan, zone=zone):<32}{_shown(plan)}")


@fee_plans.command(name="list")
@click.option("--after", default="", help="Begin behind this merchant: the last one that was listed.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, LISTED_MERCHANTS_MAX))
def list_fee_plans(after: str, limit: int) -> None:
    """List the merchants that have terms of their own, with those in force now."""
    core = operator_core()
    now = core.clock.now()
    page = core.read_fee_plans.page(after=after, limit=limit)
    for customer_id, plans in page.items():
        plan, to_come = plan_in_force(plans, at=now), sum(one.effective_from > now for one in plans)
        others = f"; {to_come} to come" if to_come else ""
        click.echo(f"{customer_id}  {_since(plan, zone=core.settings.zone)}  {_shown(plan)}{others}")
    if not page:
        click.echo("no further merchant has terms of its own" if after else "no merchant has terms of its own")
    elif len(page) == limit:
        click.echo(f"there may be more: --after {list(page)[-1]!r}", err=True)


def _is_meant(customer_id: str, change: ProposedChange, *, zone: ZoneInfo, yes: bool) -> bool:
    """Show the change and tell whether it is to be made. Raises click.Abort when a person says no to it."""
    changed = differences(change.before, change.after)
    if not changed:
        click.echo(f"{customer_id} has these terms already: nothing was changed")
        return False
    click.echo(f"{customer_id}{'' if change.is_known else ', a new merchant'}: for transactions from now on", err=True)
    for name in TERMS:
        old, new = changed.get(name, (getattr(change.before, name), None))
        click.echo(f"  {name.replace('_', ' '):<20}{old}{' stays' if new is None else f' -> {new}'}", err=True)
    for plan in change.to_come:
        click.echo(f"  until {plan.effective_from.astimezone(zone):%Y-%m-%d %H:%M}, when: {_shown(plan)}", err=True)
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError("there is no terminal to ask at whether this is meant: add --yes")
        click.confirm("Is this meant?", abort=True, err=True)
    return True


def _shown(plan: FeePlan) -> str:
    return (
        f"credit {plan.credit_fee_bps} bps after {plan.credit_delay_days} days, debit {plan.debit_fee_bps} bps,"
        f" {plan.calendar}"
    )


def _since(plan: FeePlan, *, zone: ZoneInfo) -> str:
    if plan is DEFAULT_FEE_PLAN:
        return "the platform's"
    return f"since {plan.effective_from.astimezone(zone):%Y-%m-%d %H:%M:%S %z}"
