"""What every command starts with: the settings, the core, why it is done, and the record of it."""

from __future__ import annotations

import os
import platform
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points
from importlib.util import find_spec

import click

from psp_core.bootstrap import Core, build_core
from psp_core.cli.arguments import Reason
from psp_core.domain.kernel.errors import StorageUnavailable
from psp_core.settings import Settings, load

reason_option = click.option(
    "--reason", default="none given", show_default=True, type=Reason(), help="Why: recorded, and kept for ever."
)


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
def recorded(core: Core, action: str, reason: str, **details: str) -> Iterator[None]:
    """Record who does what and why, and how it ends. A refusal is one sentence."""
    try:
        with core.record_operator_action.command(action, reason=reason, actor=_actor(), details=details):
            yield
    except ValueError as refusal:
        raise click.ClickException(str(refusal)) from refusal


def _actor() -> str:
    """Return the system's user and host, and on whose behalf: of `sudo`, or of a task that somebody started."""
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        user = f"uid {os.getuid()}"
    behalf = [os.environ[name] for name in ("SUDO_USER", "PSP_ACTOR") if os.environ.get(name)]
    return " for ".join([f"{user}@{platform.node()}", *behalf])
