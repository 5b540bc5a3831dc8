"""A settlement that is killed in the middle: what it has committed stays, ledger and all."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date

from psp_core.usecases.settlement.settle_payables import SettlePayables


class Killed(Exception):
    """What ends a program where it stands: whatever it has not committed is rolled back."""


def settle_one_and_die(settle: SettlePayables, due_on: date, *, merchants: Sequence[str] | None = None) -> None:
    """Settle one payable of the date, as a run that is killed after its first commit."""
    with suppress(Killed):
        replace(settle, chunk_payables=1)(due_on=due_on, merchants=merchants, on_progress=_die)


def _die(*_: int) -> None:
    raise Killed
