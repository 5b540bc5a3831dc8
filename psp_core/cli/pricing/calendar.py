"""The days on which nothing falls due: the calendars' own, and those that were closed in an emergency."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import click

from psp_core.cli.arguments import Reason
from psp_core.cli.context import operator_core, recorded
from psp_core.cli.pricing.asking import confirm, yes_option
from psp_core.domain.kernel.calendar import BankCalendar
from psp_core.domain.kernel.money import written
from psp_core.domain.pricing.holidays import Move

_SATURDAY = 5
_WITH_CLOSED_DAYS = [item.value for item in BankCalendar if item is not BankCalendar.EVERY_DAY]
_calendar = click.argument("calendar_name", metavar="CALENDAR", type=click.Choice(_WITH_CLOSED_DAYS))
_day = click.argument("day", metavar="DAY", type=click.DateTime(["%Y-%m-%d"]))
_reason = click.option("--reason", default="", type=Reason(), help="Why: recorded, and kept for ever.")


@click.group()
def calendar() -> None:
    """The days on which nothing falls due."""


@calendar.command(name="list")
@_calendar
@click.option("--year", type=click.IntRange(2000, 2100), help="This year, when it is left out.")
def list_days(calendar_name: str, year: int | None) -> None:
    """List the closed days of a year, Monday to Friday."""
    kind = BankCalendar(calendar_name)
    emergencies = {holiday.day: holiday.reason for holiday in operator_core().close_day.emergencies(kind)}
    first = date(year or datetime.now(UTC).year, 1, 1)
    for day in (first + timedelta(days=count) for count in range(366)):
        if day.year == first.year and day in emergencies:
            click.echo(f"{day} {day:%a}  emergency: {emergencies[day]}")
        elif day.year == first.year and day.weekday() < _SATURDAY and not kind.is_open(day):
            click.echo(f"{day} {day:%a}")


@calendar.command()
@_calendar
@_day
@_reason
def add(calendar_name: str, day: datetime, reason: str) -> None:
    """Close DAY for what is sold from now on; what is due on it already stays until it is moved."""
    _need(reason)
    core, kind = operator_core(), BankCalendar(calendar_name)
    with recorded(core, "calendar add", reason, calendar=calendar_name, day=f"{day:%Y-%m-%d}"):
        is_new = core.close_day.add(kind, day.date(), reason=reason)
    click.echo(f"{day:%Y-%m-%d} is closed{'' if is_new else ', as it was before'}")
    _show(core.close_day.preview(kind, day.date()), verb="are due on it: psp calendar move would move them")


@calendar.command()
@_calendar
@_day
@_reason
@click.option("--dry-run", is_flag=True, help="Only show what would be moved.")
@yes_option
def move(calendar_name: str, day: datetime, reason: str, dry_run: bool, yes: bool) -> None:
    """Show what waits for DAY, which is closed, ask, and move it to the next open day: once for each payable."""
    core = operator_core()
    planned = core.close_day.preview(BankCalendar(calendar_name), day.date())
    _show(planned, verb=f"{'would move' if dry_run else 'move'} to {planned.to}")
    if dry_run or not planned.payables:
        return
    _need(reason)
    confirm(yes, f"Move {planned.payables:,} payables to {planned.to}?", look_at="psp calendar move --dry-run")
    details = {"calendar": calendar_name, "day": str(planned.day), "to": str(planned.to)}
    with recorded(core, "calendar move", reason, **details, payables=str(planned.payables)):
        moved = core.close_day.move(planned.calendar, planned.day, to=planned.to)
    click.echo(f"{moved} payables moved")


def _show(planned: Move, *, verb: str) -> None:
    for each in planned.totals:
        amount = f"{each.currency.value} {written(each.receivable_minor, each.currency)}"
        click.echo(f"{each.payables:,} payables, {amount}, {verb}")
        if each.moved_before:
            click.echo(f"{each.moved_before:,} more in {each.currency.value} were moved before, and stay")
    if not planned.totals:
        click.echo(f"nothing waits for {planned.day}")


def _need(reason: str) -> None:
    if not reason.strip():
        raise click.UsageError("what is done by hand needs a --reason")
