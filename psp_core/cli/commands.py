"""The command line: `psp --help` lists what an operator or a start-up script can do."""

from __future__ import annotations

import sys
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec

import click
from sqlalchemy.exc import ArgumentError

from psp_core.cli import actions, database, explaining, fee_plans, flow, keys, ledger, refunds, settling
from psp_core.cli.pricing import calendar, plans
from psp_core.domain.kernel.errors import DomainError


def main() -> None:
    """Run the command; a refusal is one sentence and exit code 1."""
    try:
        commands(standalone_mode=True)
    except DomainError as refusal:
        sys.exit(f"psp: {refusal}")
    except ArgumentError:
        # Its text would repeat the URL, with the password in it.
        sys.exit("psp: PSP_DATABASE_URL is no URL like postgresql+psycopg2://user:password@host:5432/database")
    except OSError as error:
        sys.exit(f"psp: {error.strerror or error}: {error.filename or ''}".rstrip(": "))


class _Extensible(click.Group):
    """Commands of other packages stand beside ours: each is an entry point of the group `psp.commands`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *_beside_ours()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        own = super().get_command(ctx, cmd_name)
        if own is None and (found := _beside_ours().get(cmd_name)):
            own = found.load()
        return own


@cache
def _beside_ours() -> dict[str, EntryPoint]:
    # The image has the metadata of all packages, and not the one that runs a laptop.
    found = entry_points(group="psp.commands")
    return {entry.name: entry for entry in found if find_spec(entry.module.partition(".")[0])}


@click.group(cls=_Extensible)
@click.version_option(package_name="psp", prog_name="psp", message="%(prog)s %(version)s")
def commands() -> None:
    """Accept card transactions, turn them into payables, settle them when they are due."""


for command in (
    database.migrate_database,
    database.set_programs_logins,
    database.check_migrations,
    flow.queues,
    flow.relay,
    flow.drain,
    settling.settle,
    settling.check_books,
    explaining.explain,
    fee_plans.fee_plans,
    plans.plans,
    calendar.calendar,
    ledger.ledger,
    refunds.refunds,
    refunds.merchant_terms,
    keys.keys,
    actions.actions,
):
    commands.add_command(command)
