"""The outbox, the queue, and what becomes visible of a request after it was answered."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from psp_core.domain.events import OutboxDepth, OutboxEntry, OutgoingMessage, QueueDepth, QueueMessage


class Outbox(Protocol):
    def add(self, transaction_ids: Sequence[UUID], *, now: datetime, traceparent: str | None) -> None: ...

    def claim(self, *, limit: int) -> list[OutboxEntry]:
        """Lock and return the oldest entries that no other relay holds; the lock ends with the commit."""
        ...

    def delete(self, ids: Sequence[int]) -> None: ...

    def depth(self, *, now: datetime) -> OutboxDepth: ...


@dataclass(frozen=True, slots=True)
class SendOutcome:
    """Which of the messages, by position, the queue did not take."""

    failed: frozenset[int]


class Queue(Protocol):
    """The transactions' queue. Every method raises QueueUnavailable when it cannot be reached."""

    def send(self, messages: Sequence[OutgoingMessage]) -> SendOutcome: ...

    def receive(self, *, wait_s: int) -> list[QueueMessage]:
        """Return up to 10 messages, waiting at most `wait_s` seconds for the first."""
        ...

    def delete(self, receipts: Sequence[str]) -> None: ...

    def depth(self) -> QueueDepth: ...

    def dead_letter_depth(self) -> QueueDepth: ...

    def receive_dead_letters(self, *, hold_s: int) -> list[QueueMessage]:
        """Return up to 10 dead letters, which nobody else receives for `hold_s` seconds."""
        ...

    def release_dead_letters(self, receipts: Sequence[str]) -> None:
        """Let the dead letters be received again at once."""
        ...

    def delete_dead_letters(self, receipts: Sequence[str]) -> None: ...


class Traces(Protocol):
    """What becomes visible of a merchant's request after it was answered."""

    def processing(self, messages: Sequence[QueueMessage]) -> AbstractContextManager[None]:
        """Show the block as the work on these messages, each in the trace that its `traceparent` names."""
        ...

    def flush(self) -> None:
        """Send away what is still in hand, waiting for seconds at most; never raises."""
        ...
