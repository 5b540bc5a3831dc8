"""What was done by hand: who, what, why, and what came of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import click

from psp_core.cli.context import operator_core
from psp_core.domain.kernel.calendar import start_of
from psp_core.domain.operations.operator_actions import OperatorAction
from psp_core.usecases.operations.record_operator_action import LISTED_ACTIONS_MAX

_ONE_DAY = timedelta(days=1)
_DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def actions() -> None:
    """What was done by hand, at the command line and in Dagster."""


@actions.command(name="list")
@click.option("--since", metavar="DATE", type=_DAY, help="From this day on.")
@click.option("--until", metavar="DATE", type=_DAY, help="Up to and including this day.")
@click.option("--action", help='One action, or its first words: "keys" finds "keys create".')
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, LISTED_ACTIONS_MAX))
def list_actions(since: datetime | None, until: datetime | None, action: str | None, limit: int) -> None:
    """List who did what and why, and what came of it, newest first; days are those of PSP_TIME_ZONE."""
    core = operator_core()
    zone = core.settings.zone
    found = core.record_operator_action.newest(
        limit=limit,
        action=action,
        since=None if since is None else start_of(since.date(), zone),
        before=None if until is None else start_of(until.date() + _ONE_DAY, zone),
    )
    for one in found:
        click.echo(_line(one, zone=zone))
    if not found:
        click.echo("nothing was done by hand" if not (since or until or action) else "nothing like that was done")
    elif len(found) == limit:
        click.echo(f"these are the newest {limit}: --limit shows more, --until the older ones", err=True)


def _line(one: OperatorAction, *, zone: ZoneInfo) -> str:
    details = " ".join(f"{name}={value}" for name, value in sorted(one.details.items()) if value)
    did = f"{one.action} {details}".strip()
    at = f"{one.created_at.astimezone(zone):%Y-%m-%d %H:%M:%S %z}"
    parts = (at, one.actor or "nobody was logged in", did, f"why: {one.reason}", one.came_of_it)
    return "  ".join(_one_line(part) for part in parts)


def _one_line(text: str) -> str:
    # What somebody typed must not move the cursor of whoever reads it.
    return "".join(character if character.isprintable() else " " for character in text)
