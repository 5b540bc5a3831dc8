"""`psp up` and `psp demo`: what this package adds to the command line, as entry points in pyproject.toml say."""

from __future__ import annotations

import os
import sys
from collections.abc import MutableMapping
from pathlib import Path

import click

from psp_core.cli.arguments import Seconds
from psp_local.environment import DATABASE, embedded_in, load_stack_environment, shield
from psp_local.supervision.guard import stack_lives


@click.command()
def up() -> None:
    """Run the whole platform here, with an embedded Postgres and SQS endpoint."""
    from psp_local.stack import run_stack

    sys.exit(run_stack(root=Path.cwd(), data_dir=_data_dir()))


@click.command()
@click.option("--transactions", default=3_000, show_default=True, type=click.IntRange(1, 1_000_000))
@click.option("--day-seconds", default=25.0, show_default=True, type=Seconds(1), help="How long the day takes.")
def demo(transactions: int, day_seconds: float) -> None:
    """Post a day's traffic of some merchants, settle it in a time-lapse, and show their totals.

    Uses the platform that runs in this folder, or starts it. Exit code 1 when a cent is not where it belongs.
    """
    from psp_local.demo.demonstration import run_demo

    shield(os.environ, embedded=embedded_in(load_stack_environment(Path.cwd())))
    sys.exit(run_demo(root=Path.cwd(), data_dir=_data_dir(), transactions=transactions, day_seconds=day_seconds))


def enter_running_stack(environ: MutableMapping[str, str]) -> None:
    """Give a command the variables of this folder's stack, unless it has a database; refuse when the stack is stopped.

    A stack whose database is somebody else's need not run for that.
    """
    own = load_stack_environment(Path.cwd())
    # They are the same in a terminal that has loaded the stack's file.
    is_meant = environ.get(DATABASE, own.get(DATABASE)) == own.get(DATABASE)
    if is_meant and DATABASE in embedded_in(own) and not stack_lives(_data_dir()):
        raise click.ClickException(f"the stack in {_data_dir()} is stopped: type `make` to start it")
    if DATABASE not in environ:
        shield(environ, embedded=embedded_in(own))
        environ.update(own)


def _data_dir() -> Path:
    return Path(os.environ.get("PSP_DATA_DIR", Path.cwd() / ".psp"))
