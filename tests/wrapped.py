"""A real store and a real queue behind something of the test's: subclasses change what matters to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime

from psp_core.domain.events import OutgoingMessage, QueueDepth, QueueMessage
from psp_core.domain.intake.idempotency import Intake
from psp_core.domain.operations.leases import Hold
from psp_core.ports.events import Queue, SendOutcome
from psp_core.ports.store import Store, UnitOfWork


@dataclass
class WrappedStore:
    store: Store

    def begin(self) -> AbstractContextManager[UnitOfWork]:
        return self.store.begin()

    def write_as(self, customer_id: str, *, within_s: float | None = None) -> AbstractContextManager[UnitOfWork]:
        return self.store.write_as(customer_id, within_s=within_s)

    def accept(self, intakes: Sequence[Intake], *, now: datetime, traceparent: str | None) -> list[bool]:
        return self.store.accept(intakes, now=now, traceparent=traceparent)

    def read_as(self, customer_id: str, *, within_s: float | None = None) -> AbstractContextManager[UnitOfWork]:
        return self.store.read_as(customer_id, within_s=within_s)

    def schema_is_current(self) -> bool:
        return self.store.schema_is_current()

    def close(self) -> None:
        self.store.close()

    def hold_due_date(self, due_on: date, *, holder: str = "") -> AbstractContextManager[Hold]:
        return self.store.hold_due_date(due_on, holder=holder)

    def hold_run(
        self, run_id: str, *, due_dates: tuple[date, date] | None, on_lost: Callable[[], None]
    ) -> AbstractContextManager[Hold]:
        return self.store.hold_run(run_id, due_dates=due_dates, on_lost=on_lost)


@dataclass
class WrappedQueue:
    queue: Queue

    def send(self, messages: Sequence[OutgoingMessage]) -> SendOutcome:
        return self.queue.send(messages)

    def receive(self, *, wait_s: int) -> list[QueueMessage]:
        return self.queue.receive(wait_s=wait_s)

    def delete(self, receipts: Sequence[str]) -> None:
        self.queue.delete(receipts)

    def depth(self) -> QueueDepth:
        return self.queue.depth()

    def dead_letter_depth(self) -> QueueDepth:
        return self.queue.dead_letter_depth()

    def receive_dead_letters(self, *, hold_s: int) -> list[QueueMessage]:
        return self.queue.receive_dead_letters(hold_s=hold_s)

    def release_dead_letters(self, receipts: Sequence[str]) -> None:
        self.queue.release_dead_letters(receipts)

    def delete_dead_letters(self, receipts: Sequence[str]) -> None:
        self.queue.delete_dead_letters(receipts)
