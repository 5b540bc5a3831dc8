"""What every command starts with: the settings, the core, why it is done, and the record of it."""

from __future__ import annotations

import os
import platform
import pwd
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import NoReturn

import click

from psp_core.bootstrap import Core, build_core
from psp_core.cli.arguments import Reason
from psp_core.domain.kernel.errors import StorageUnavailable
from psp_core.settings import Settings, load
from psp_core.usecases.operations.record_operator_action import ActionUnderWay


def _given(ctx: click.Context, _: click.Parameter, reason: str) -> str:
    """Return the reason; raises click.UsageError, which says what to type, when there is none."""
    if not reason.strip() and not ctx.params.get("dry_run"):
        words = ctx.command_path.removeprefix(f"{ctx.find_root().command_path} ")
        raise click.UsageError(f'{words} needs a reason, which is recorded: add --reason "why"', ctx)
    return reason


reason_option = click.option(
    "--reason", default="", type=Reason(), callback=_given, help="Why: asked for, recorded, and kept for ever."
)

optional_reason_option = click.option(
    "--reason", default="none given", show_default=True, type=Reason(), help="Why: recorded, and kept for ever."
)
"""For what start-up scripts do, which moves no money."""


def operator_settings() -> Settings:
    """Return the settings of the environment, or of the stack that runs in this folder.

    Raises SettingsRefused, or a ClickException when that stack is stopped.
    """
    for entry in entry_points(group="psp.environment"):
        if find_spec(entry.module.partition(".")[0]):
            entry.load()(os.environ)
    if "PSP_DATABASE_URL" not in os.environ:
        raise click.ClickException("PSP_DATABASE_URL is not set, and no stack was started in this folder: `make`")
    return load(Settings)


def operator_core(*, outlives_outages: bool = False) -> Core:
    """Return the core of this process, once the database has said that both mean the same calendar days.

    A program that outlives outages starts without its database, too; then what makes due dates asks again.
    """
    core = build_core(operator_settings(), application_name="psp-cli")
    try:
        core.time_zone.require()
    except StorageUnavailable:
        if not outlives_outages:
            raise
    return core


@contextmanager
def recorded(core: Core, action: str, reason: str, **details: str) -> Iterator[ActionUnderWay]:
    """Record who does what and why, and how it ends. A refusal is one sentence."""
    try:
        with (
            _ended_by_signals(),
            core.record_operator_action.command(action, reason=reason, actor=_actor(), details=details) as under_way,
        ):
            yield under_way
    except ValueError as refusal:
        raise click.ClickException(str(refusal)) from refusal


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let what asks a program to end interrupt the block as Ctrl-C does, so that it can still say how it ended."""

    def end(number: int, _: object) -> NoReturn:
        raise KeyboardInterrupt(signal.Signals(number).name)

    # What `nohup` has the program ignore stays so.
    heeded = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) is signal.SIG_DFL]
    before = {number: signal.signal(number, end) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _actor() -> str:
    """Return the system's user and host, and on whose behalf: of `sudo`, or of a task that somebody started."""
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        user = f"uid {os.getuid()}"
    behalf = [os.environ[name] for name in ("SUDO_USER", "PSP_ACTOR") if os.environ.get(name)]
    return " for ".join([f"{user}@{platform.node()}", *behalf])
