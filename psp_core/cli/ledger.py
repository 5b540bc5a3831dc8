"""The ledger: what everybody has, and the proof of it."""

from __future__ import annotations

import click

from psp_core.cli.context import operator_core


@click.group()
def ledger() -> None:
    """What everybody has, and the proof of it."""


@ledger.command(name="open")
def open_ledger() -> None:
    """Book what existed before there was a ledger. Dagster does so every ten minutes; killed, it goes on."""
    report = operator_core().book_what_exists(
        on_progress=lambda ranges: click.echo(f"{ranges:,} ranges of payables", err=True)
    )
    state = "has ended" if report.is_ended else "has not ended: a program of before still makes payables"
    click.echo(f"{report.entries} opening entries were made; the opening {state}")
