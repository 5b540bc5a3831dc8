"""Check health: can transactions be stored, and are they on their way to the queue?"""

from __future__ import annotations

from dataclasses import dataclass

from psp_core.domain.events import OutboxDepth
from psp_core.domain.kernel.errors import QueueUnavailable, StorageUnavailable
from psp_core.ports.events import Queue
from psp_core.ports.kernel import Clock
from psp_core.ports.store import Store


@dataclass(frozen=True, slots=True)
class CheckHealth:
    """Each question is asked by itself, because each may take as long as its own time-out."""

    store: Store
    queue: Queue
    clock: Clock

    def outbox_depth(self) -> OutboxDepth | None:
        """Return how far the relay is behind; None when the database does not answer."""
        try:
            with self.store.begin() as work:
                return work.outbox.depth(now=self.clock.now())
        except StorageUnavailable:
            return None

    def schema_is_current(self) -> bool | None:
        """Tell whether the database has the schema that this program needs; None when it does not answer."""
        try:
            return self.store.schema_is_current()
        except StorageUnavailable:
            return None

    def queue_answers(self) -> bool:
        try:
            self.queue.depth()
        except QueueUnavailable:
            return False
        return True
