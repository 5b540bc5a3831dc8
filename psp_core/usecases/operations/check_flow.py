"""Check the flow: is every transaction on its way to its payables, and nothing stuck or overdue?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from psp_core.domain.events import OutboxDepth, QueueDepth
from psp_core.ports.events import Queue
from psp_core.ports.kernel import Clock
from psp_core.ports.store import Store
from psp_core.usecases.payables.repair_transactions import LOOK_BACK

OUTBOX_LATE_S = 60.0
"""An outbox entry this old is late: the relay sends within a second."""

STRAYS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class FlowOutcome:
    """Where transactions wait at this moment."""

    outbox: OutboxDepth
    queue: QueueDepth
    dead_letters: QueueDepth

    @property
    def is_late(self) -> bool:
        return self.outbox.oldest_age_s > OUTBOX_LATE_S


@dataclass(frozen=True, slots=True)
class StrayOutcome:
    """Transactions that have no payables though they should. At most `STRAYS_MAX` are named."""

    strays: Sequence[UUID]
    checked_from: datetime
    checked_until: datetime
    """Every older transaction has its payables, unless there are strays."""

    on_their_way: bool
    """They may still be in the outbox or in the queue: to enqueue them again would only add to the pile."""


@dataclass(frozen=True, slots=True)
class CheckFlow:
    store: Store
    queue: Queue
    clock: Clock
    stray_after: timedelta
    messages_per_drain: int

    def __call__(self) -> FlowOutcome:
        """Return where transactions wait. Raises QueueUnavailable."""
        with self.store.begin() as work:
            outbox = work.outbox.depth(now=self.clock.now())
        return FlowOutcome(outbox, self.queue.depth(), self.queue.dead_letter_depth())

    def strays(self, *, checked_from: datetime | None = None) -> StrayOutcome:
        """Return the transactions older than `stray_after` that have no payables. Raises QueueUnavailable.

        Whoever asks regularly passes the `checked_until` of the last report without strays.
        """
        now = self.clock.now()
        until = now - self.stray_after
        since = min(checked_from or now - LOOK_BACK, until)
        with self.store.begin() as work:
            strays = work.transactions.without_payables(created_from=since, created_before=until, limit=STRAYS_MAX)
        if not strays:
            return StrayOutcome([], since, until, on_their_way=False)
        flow = self()
        on_their_way = flow.is_late or flow.queue.waiting > self.messages_per_drain
        return StrayOutcome(strays, since, until, on_their_way)
