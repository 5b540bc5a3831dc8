"""Programs that are killed in the middle: what they have committed stays, ledger and all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from psp_core.domain.ledger.entries import Entry
from psp_core.ports.store import Store, UnitOfWork
from psp_core.usecases.settlement.settle_payables import SettlePayables
from tests.wrapped import WrappedStore


class Killed(Exception):
    """What ends a program where it stands: whatever it has not committed is rolled back."""


def settle_one_and_die(settle: SettlePayables, due_on: date, *, merchants: Sequence[str] | None = None) -> None:
    """Settle one payable of the date, as a run that is killed after its first commit."""
    with suppress(Killed):
        replace(settle, chunk_payables=1)(due_on=due_on, merchants=merchants, on_progress=_die)


def _die(*_: int) -> None:
    raise Killed


@dataclass
class DiesWhenItPosts(WrappedStore):
    """The real store, whose units of work are killed after the posting number `dies_at`, before their commit."""

    store: Store
    dies_at: int
    posted: int = 0

    def begin(self) -> AbstractContextManager[UnitOfWork]:
        return self._dying(self.store.begin())

    def write_as(self, customer_id: str, *, within_s: float | None = None) -> AbstractContextManager[UnitOfWork]:
        return self._dying(self.store.write_as(customer_id, within_s=within_s))

    @contextmanager
    def _dying(self, begun: AbstractContextManager[UnitOfWork]) -> Iterator[Any]:
        with begun as work:
            yield _Dying(work, self)


@dataclass
class _Dying:
    work: UnitOfWork
    fate: DiesWhenItPosts

    def __getattr__(self, name: str) -> Any:
        if name == "ledger":
            return self
        return getattr(self.work if hasattr(self.work, name) else self.work.ledger, name)

    def post(self, rows: Sequence[Entry], *, today: date) -> None:
        self.work.ledger.post(rows, today=today)
        self.fate.posted += bool(rows)
        if self.fate.posted == self.fate.dies_at:
            raise Killed
