"""Check the books: not a cent created, lost, paid early or paid twice."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from psp_core.domain.kernel.errors import BooksDoNotBalance, Discrepancy
from psp_core.ports.store import Store

DISCREPANCIES_MAX = 100
"""Of each rule: enough to see what is wrong, few enough to read."""


@dataclass(frozen=True, slots=True)
class CheckBooks:
    store: Store
    zone: ZoneInfo

    def __call__(self) -> list[Discrepancy]:
        """Return what does not balance, from one consistent snapshot; an empty list is the good answer."""
        with self.store.begin() as work:
            return work.books.discrepancies(zone=self.zone, limit=DISCREPANCIES_MAX)

    def require(self) -> None:
        """Raise BooksDoNotBalance unless the books balance."""
        if discrepancies := self():
            raise BooksDoNotBalance(discrepancies)
