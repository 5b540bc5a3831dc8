"""What travels from the outbox through the queue: transaction ids, and nothing of a card."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """Transactions that were stored in one commit and have not been sent yet."""

    id: int
    transaction_ids: list[UUID]
    created_at: datetime
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A message to send. `traceparent` is a W3C trace context, so that a trace spans the queue."""

    transaction_ids: list[UUID]
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class QueueMessage:
    """A received message. It comes back after the visibility time-out unless it is deleted.

    `transaction_ids` is None when the body cannot be read: such a message is left alone, and the
    queue moves it to the dead-letter queue.
    """

    message_id: str
    receipt: str
    transaction_ids: list[UUID] | None
    traceparent: str | None = None
    receive_count: int = 1
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """Approximate counts, as SQS gives them."""

    waiting: int
    """Messages that a receive would return."""

    in_flight: int
    """Messages that some consumer has in hand."""


@dataclass(frozen=True, slots=True)
class OutboxDepth:
    """How far the relay is behind."""

    entries: int
    oldest_age_s: float
    """Age of the oldest entry in seconds; 0 when there is none."""
