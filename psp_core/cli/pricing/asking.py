"""Asking before something is changed that was shown."""

from __future__ import annotations

import sys

import click

yes_option = click.option("--yes", is_flag=True, help="Do not ask; needed where there is no terminal to answer on.")


def confirm(yes: bool, question: str, *, look_at: str) -> None:
    """Return when somebody agrees, or has agreed by --yes; otherwise end the command."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError(f"there is no terminal to ask on: look at `{look_at}`, then give --yes")
    click.confirm(question, abort=True)
