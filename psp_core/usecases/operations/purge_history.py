"""Purge what has served its time. Money and what people did are never purged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from psp_core.ports.kernel import Clock
from psp_core.ports.store import Store

ROWS_PER_COMMIT = 10_000


@dataclass(frozen=True, slots=True)
class PurgeIdempotencyKeys:
    store: Store
    clock: Clock
    retention: timedelta

    def __call__(self) -> int:
        """Delete the keys that are older than their retention, in short commits; return how many went."""
        created_before = self.clock.now() - self.retention
        purged = 0
        while True:
            with self.store.begin() as work:
                count = work.idempotency_keys.purge(created_before=created_before, limit=ROWS_PER_COMMIT)
            purged += count
            if count < ROWS_PER_COMMIT:
                return purged
