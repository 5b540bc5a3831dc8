"""The real adapters behind the core's ports, for what a test has to see or to make itself."""

from __future__ import annotations

from psp_core.adapters.postgres.store import PostgresStore
from psp_core.adapters.sqs import SqsQueue
from psp_core.bootstrap import Core
from psp_core.ports.store import Store


def postgres(store: Store) -> PostgresStore:
    """Return the store as what it is, with its engines and connections."""
    assert isinstance(store, PostgresStore)
    return store


def create_queues(core: Core) -> None:
    """Create the core's queue and its dead-letter queue, unless they exist."""
    assert isinstance(core.queue, SqsQueue)
    core.queue.create()
