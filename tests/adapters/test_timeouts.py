"""No wait for the database or the queue is without an end."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from psp_core.adapters.postgres.store import PoolLimits, PostgresStore, open_store
from psp_core.adapters.sqs import SqsQueue, SqsSettings
from psp_core.domain.kernel.errors import QueueUnavailable, StorageUnavailable

# Every other limit is so long that a test which waits for it fails.
LONG_S = 60
SOON_S = 20


@pytest.fixture
def deaf_port() -> Iterator[int]:
    """A server that takes connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@contextmanager
def ends_soon(refusal: type[Exception]) -> Iterator[None]:
    started_s = time.monotonic()
    with pytest.raises(refusal):
        yield
    assert time.monotonic() - started_s < SOON_S


def a_store(url: str, **limits: int) -> PostgresStore:
    default = {"size": 1, "checkout_timeout_s": LONG_S, "statement_timeout_s": LONG_S, "lock_timeout_s": LONG_S}
    return open_store(url, limits=PoolLimits(**{**default, **limits}))


def run(store: PostgresStore, *statements: str) -> None:
    with store.begin() as work:
        for statement in statements:
            work.connection.exec_driver_sql(statement)


class TestTheDatabase:
    def test_may_take_so_long_for_a_statement(self, database_url: str) -> None:
        store = a_store(database_url, statement_timeout_s=1)

        with ends_soon(StorageUnavailable):
            run(store, "SELECT pg_sleep(50)")

        run(store, "SELECT 1")
        store.close()

    def test_may_let_a_lock_be_waited_for_so_long(self, database_url: str) -> None:
        holder, waiter = a_store(database_url), a_store(database_url, lock_timeout_s=1)

        with holder.begin() as work:
            work.connection.exec_driver_sql("LOCK TABLE outbox")
            with ends_soon(StorageUnavailable):
                run(waiter, "LOCK TABLE outbox")

        run(waiter, "LOCK TABLE outbox")
        for store in (holder, waiter):
            store.close()

    def test_may_be_waited_for_so_long_while_its_connections_are_taken(self, database_url: str) -> None:
        store = a_store(database_url, checkout_timeout_s=1)

        with store.begin(), ends_soon(StorageUnavailable):
            run(store, "SELECT 1")

        store.close()

    def test_may_take_so_long_for_a_connection(self, deaf_port: int) -> None:
        store = a_store(f"postgresql+psycopg2://psp@127.0.0.1:{deaf_port}/psp", connect_timeout_s=2)

        with ends_soon(StorageUnavailable):
            run(store, "SELECT 1")

        store.close()


class TestTheQueue:
    @pytest.mark.parametrize("call", [SqsQueue.depth, SqsQueue.create], ids=["depth", "create"])
    def test_may_take_so_long_for_an_answer(self, deaf_port: int, call: Callable[[SqsQueue], object]) -> None:
        settings = SqsSettings("q", endpoint_url=f"http://127.0.0.1:{deaf_port}", answer_timeout_s=0.2)

        with ends_soon(QueueUnavailable):
            call(SqsQueue(settings))
