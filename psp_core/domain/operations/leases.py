"""Leases: who is alive, and who holds a due date. A holder that falls silent loses what it holds."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from typing import Protocol
from uuid import UUID

BEATS_PER_LEASE = 5
"""How often a holder renews its lease before it would lapse: four attempts may fail."""

LAPSED_KEPT_S = 3600
"""How long it stays visible who held something last."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease as it is stored. `due_dates` are the first and last date that the holder works or will work on."""

    name: str
    holder: str
    due_dates: tuple[date, date] | None
    is_live: bool


def run_holder(run_id: str) -> str:
    """Return what a Dagster run is called as a holder; its own lease has the same name."""
    return f"run {run_id}"


def this_process() -> str:
    """Return what a process is called as a holder that is no run of Dagster's."""
    return f"process {os.getpid()} on {socket.gethostname()}"


def due_date_name(due_on: date) -> str:
    return f"due date {due_on}"


class Hold(Protocol):
    """Something that one process at a time holds; true while it is this one, as far as it knows."""

    @property
    def name(self) -> str: ...
    @property
    def holder(self) -> str:
        """Return who has it: this process, or the other one."""
        ...

    @property
    def token(self) -> UUID: ...
    def __bool__(self) -> bool: ...


class Leases(Protocol):
    """Who gave a sign of life lately, by the database's clock."""

    def require(self, hold: Hold) -> None:
        """Let nobody take the hold over before this commit has ended. Raises HoldLost when somebody has."""
        ...

    def all(self) -> Sequence[Lease]:
        """Return every lease, live or lapsed."""
        ...

    def revoke(self, holder: str) -> None:
        """End whatever the holder has; should it still be alive, it notices."""
        ...

    def purge(self, *, lapsed_for_s: float) -> int:
        """Delete leases that lapsed so long ago; return how many."""
        ...


class Holds(Protocol):
    """What the database can keep others from. Every method raises StorageUnavailable when it cannot be reached."""

    def hold_due_date(self, due_on: date, *, holder: str = "") -> AbstractContextManager[Hold]:
        """Hold the date for one run, across commits; the value is true when it was free, else it names the holder.

        Waits for a holder that is silent until its lease lapses. Without a `holder` it is this process.
        """
        ...

    def hold_run(
        self, run_id: str, *, due_dates: tuple[date, date] | None, on_lost: Callable[[], None]
    ) -> AbstractContextManager[Hold]:
        """Let others see that this Dagster run is alive, and which due dates it works on, until the block ends.

        Waits for the database for minutes. `on_lost` is called, by another thread, when the run was ended from outside.
        """
        ...
