"""Check the books: not a cent created, lost, paid early or paid twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from psp_core.domain.kernel.errors import BooksDoNotBalance, Discrepancy
from psp_core.ports.kernel import Clock
from psp_core.ports.store import Store

DISCREPANCIES_MAX = 100
"""Of each rule: enough to see what is wrong, few enough to read."""


@dataclass(frozen=True, slots=True)
class CheckBooks:
    store: Store
    clock: Clock
    zone: ZoneInfo

    def __call__(self) -> list[Discrepancy]:
        """Return what does not balance since the last sealed day; an empty list is the good answer.

        It costs what changed: sealed days are proved by their hash (`psp ledger verify`).
        """
        with self.store.begin() as work:
            return work.books.discrepancies(zone=self.zone, limit=DISCREPANCIES_MAX, now=self.clock.now())

    def everything(self, *, on_progress: Callable[[date], None] = lambda _: None) -> list[Discrepancy]:
        """Return what does not balance of all of history, a month at a time, each from one snapshot."""
        now = self.clock.now()
        with self.store.begin() as work:
            months = work.books.months(now=now)
        found: list[Discrepancy] = []
        for month, following in months:
            on_progress(month)
            with self.store.begin() as work:
                found += work.books.discrepancies_of_month(
                    month, following, zone=self.zone, limit=DISCREPANCIES_MAX, now=now
                )
        with self.store.begin() as work:
            return found + work.books.discrepancies_of_balances(limit=DISCREPANCIES_MAX)

    def require(self) -> None:
        """Raise BooksDoNotBalance unless the books balance since the last sealed day."""
        if discrepancies := self():
            raise BooksDoNotBalance(discrepancies)

    def require_everything(self, *, on_progress: Callable[[date], None] = lambda _: None) -> None:
        """Raise BooksDoNotBalance unless all of history balances."""
        if discrepancies := self.everything(on_progress=on_progress):
            raise BooksDoNotBalance(discrepancies)
