"""Relay the outbox: whatever was stored is enqueued, at least once, in few and full messages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from psp_core.domain.events import OutboxEntry, OutgoingMessage
from psp_core.ports.events import Queue
from psp_core.ports.store import Store


@dataclass(frozen=True, slots=True)
class RelayOutcome:
    """What one call sent. `failed_entries` stay in the outbox and are sent again."""

    entries: int = 0
    messages: int = 0
    transactions: int = 0
    failed_entries: int = 0


@dataclass(frozen=True, slots=True)
class _Parcel:
    message: OutgoingMessage
    entry_ids: frozenset[int]


@dataclass(frozen=True, slots=True)
class RelayOutbox:
    store: Store
    queue: Queue
    entries_max: int
    message_transactions_max: int

    def __call__(self) -> RelayOutcome:
        """Send at most `entries_max` outbox entries and delete those that the queue took.

        A crash between the two sends them again. Raises QueueUnavailable or StorageUnavailable;
        then every entry is still there.
        """
        with self.store.begin() as work:
            entries = work.outbox.claim(limit=self.entries_max)
            if not entries:
                return RelayOutcome()
            parcels = list(_pack(entries, self.message_transactions_max))
            refused = self.queue.send([parcel.message for parcel in parcels]).failed
            unsent = {entry_id for position in refused for entry_id in parcels[position].entry_ids}
            work.outbox.delete([entry.id for entry in entries if entry.id not in unsent])
        return RelayOutcome(
            entries=len(entries) - len(unsent),
            messages=len(parcels) - len(refused),
            transactions=sum(len(entry.transaction_ids) for entry in entries if entry.id not in unsent),
            failed_entries=len(unsent),
        )


def _pack(entries: Sequence[OutboxEntry], size: int) -> Iterator[_Parcel]:
    pieces = [(id, entry) for entry in entries for id in entry.transaction_ids]
    for start in range(0, len(pieces), size):
        part = pieces[start : start + size]
        traceparent = next((entry.traceparent for _, entry in part if entry.traceparent), None)
        message = OutgoingMessage([id for id, _ in part], traceparent)
        yield _Parcel(message, frozenset(entry.id for _, entry in part))
