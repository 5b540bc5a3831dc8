"""One merchant who asks for everything, and another who is answered all the same."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx
import pytest
from sqlalchemy import create_engine

from psp_api.server.problems.refusals import Overloaded
from psp_api.server.readers import ReaderLimits, Readers
from psp_core.bootstrap import Core
from psp_core.domain.kernel.errors import StorageUnavailable
from psp_core.domain.kernel.paging import Page
from psp_core.domain.payables import PayableFilter
from tests.api.bodies import a_body
from tests.api.server import Api, api_program
from tests.reach import postgres
from tests.waiting import wait_for

LIMITS = ReaderLimits(threads=4, waiting_max=100, timeout_s=30)
GREEDY, MODEST = "greedy", "modest"
PATIENT = {
    "PSP_API_STATEMENT_TIMEOUT_S": "60",
    "PSP_API_COMMIT_PATIENCE_S": "60",
    "PSP_API_COMMIT_TIMEOUT_S": "60",
}


@contextmanager
def an_api(api: Api, environment: dict[str, str], folder: Path, **settings: str) -> Iterator[Api]:
    program, url = api_program(folder, environment={**environment, **PATIENT, **settings})
    with program:
        yield Api(url, api.core, program.log_file)


@contextmanager
def locked(database_url: str, table: str) -> Iterator[None]:
    """Let nobody read or write the table."""
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield
    engine.dispose()


@contextmanager
def uncommitted_key(database_url: str, merchant: str, key: str) -> Iterator[None]:
    """Have a rival use the key, who never commits: a commit with the same key waits to see what becomes of it."""
    engine = create_engine(database_url)
    with engine.connect() as connection:
        connection.exec_driver_sql(
            "INSERT INTO idempotency_keys (customer_id, key, request_hash, answer, created_at)"
            " VALUES (%s, %s, %s, %s, now())",
            (merchant, key, b"0" * 32, b"{}"),
        )
        yield
        connection.rollback()
    engine.dispose()


def next_of(futures: set[Future[httpx.Response]]) -> httpx.Response:
    """Return the next answer, and take its future away."""
    done, _ = wait(futures, timeout=30, return_when=FIRST_COMPLETED)
    future = done.pop()
    futures.remove(future)
    return future.result()


class TestWrites:
    def test_of_one_merchant_give_way_when_all_places_are_taken_and_another_comes(
        self, api: Api, api_environment: dict[str, str], tmp_path: Path, merchant: str
    ) -> None:
        database_url = api_environment["PSP_DATABASE_URL"]
        with (
            an_api(api, api_environment, tmp_path, PSP_API_WAITING_TRANSACTIONS_MAX="5") as own,
            own.client(merchant) as greedy,
            own.client(f"{merchant}-modest") as modest,
            ThreadPoolExecutor(10) as pool,
        ):
            with locked(database_url, "transactions"):
                sent = {pool.submit(greedy.post, "/transactions", json=a_body())}
                wait_for(lambda: waiting_for(database_url, "EXECUTE"), within_s=30, what="the commit")
                # One is in the commit that hangs and five wait, so that one is turned away.
                sent |= {pool.submit(greedy.post, "/transactions", json=a_body()) for _ in range(6)}
                assert next_of(sent).json()["code"] == "overloaded"
                others = pool.submit(modest.post, "/transactions", json=a_body())
                assert next_of(sent | {others}).json()["code"] == "overloaded"
                assert not others.done()

            assert others.result().status_code == 201
            assert sorted(future.result().status_code for future in sent) == [201] * 5 + [503]

    def test_in_large_batches_hold_up_no_single_transaction(
        self, api: Api, api_environment: dict[str, str], tmp_path: Path, merchant: str
    ) -> None:
        database_url = api_environment["PSP_DATABASE_URL"]
        with (
            an_api(api, api_environment, tmp_path) as own,
            own.client(merchant, **{"Idempotency-Key": "taken"}) as greedy,
            own.client(f"{merchant}-modest") as modest,
            ThreadPoolExecutor(1) as pool,
        ):
            with uncommitted_key(database_url, merchant, "taken"):
                batch = pool.submit(greedy.post, "/transactions/batch", json=[a_body()] * 100)
                wait_for(lambda: waiting_for(database_url, "EXECUTE"), within_s=30, what="the batch's commit")

                assert modest.post("/transactions", json=a_body()).status_code == 201
                assert not batch.done()

            assert batch.result().status_code == 201


class TestReads:
    def test_of_one_merchant_leave_threads_to_another(self, core: Core) -> None:
        gate = threading.Event()

        async def main() -> None:
            readers = Readers(LIMITS)
            greedy = [asyncio.create_task(readers.call(lambda _: gate.wait(30), merchant=GREEDY)) for _ in range(12)]
            await asyncio.sleep(0)
            try:
                found = await readers.call(lambda left_s: payables(core, left_s), merchant=MODEST)
                assert found == []
                assert not any(task.done() for task in greedy)
            finally:
                gate.set()
            assert all(await asyncio.gather(*greedy))
            readers.close()

        asyncio.run(main())

    def test_get_their_turn_before_those_of_one_who_has_many(self) -> None:
        gate = threading.Event()
        order: list[str] = []

        def read(merchant: str, _: float) -> None:
            gate.wait(30)
            order.append(merchant)

        async def main() -> None:
            readers = Readers(ReaderLimits(threads=1, waiting_max=1_000, timeout_s=30))
            names = [GREEDY] * 100 + [MODEST] * 2
            tasks = [asyncio.create_task(readers.call(partial(read, name), merchant=name, weight=2)) for name in names]
            await asyncio.sleep(0)
            gate.set()
            await asyncio.gather(*tasks)
            readers.close()

        asyncio.run(main())
        assert order.index(MODEST) < 10

    def test_keep_their_thread_until_they_have_ended_though_nobody_waits_for_them(self) -> None:
        gate = threading.Event()
        limits = ReaderLimits(threads=1, waiting_max=1, timeout_s=0.05)

        async def main() -> None:
            readers = Readers(limits)
            with pytest.raises(StorageUnavailable):
                await readers.call(lambda _: gate.wait(30), merchant=GREEDY)
            waiting = asyncio.create_task(readers.call(lambda _: True, merchant=GREEDY))
            await asyncio.sleep(0)
            with pytest.raises(Overloaded):
                await readers.call(lambda _: True, merchant=GREEDY)
            with pytest.raises(StorageUnavailable):
                await waiting
            gate.set()
            readers.close()

        asyncio.run(main())

    def test_give_their_place_away_when_their_caller_has_gone(self) -> None:
        gate = threading.Event()
        limits = ReaderLimits(threads=1, waiting_max=1, timeout_s=30)

        async def main() -> None:
            readers = Readers(limits)
            first = asyncio.create_task(readers.call(lambda _: gate.wait(30), merchant=GREEDY))
            gone = asyncio.create_task(readers.call(lambda _: True, merchant=GREEDY))
            await asyncio.sleep(0)
            gone.cancel()
            await asyncio.wait([gone])
            after = asyncio.create_task(readers.call(lambda _: True, merchant=GREEDY))
            await asyncio.sleep(0)
            gate.set()
            assert await first
            assert await after
            readers.close()

        asyncio.run(main())


class TestAReadThatTakesTooLong:
    def test_ends_in_the_database_when_its_caller_is_told(
        self, api: Api, api_environment: dict[str, str], tmp_path: Path, merchant: str
    ) -> None:
        database_url = api_environment["PSP_DATABASE_URL"]
        with (
            an_api(api, api_environment, tmp_path, PSP_API_READ_TIMEOUT_S="0.5") as own,
            own.client(merchant) as client,
            locked(database_url, "payables"),
        ):
            answer = client.get("/payables")

            assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")
            wait_for(lambda: not waiting_for(database_url, "payables"), within_s=10, what="the read has ended")

    def test_may_take_what_is_left_and_no_more(self, core: Core) -> None:
        with postgres(core.store).read_as("merchant-1", within_s=0.25) as work:
            assert work.connection.exec_driver_sql("SHOW statement_timeout").scalar_one() == "250ms"
        with postgres(core.store).read_as("merchant-1") as work:
            assert work.connection.exec_driver_sql("SHOW statement_timeout").scalar_one() == "30s"


def payables(core: Core, left_s: float) -> list[object]:
    return [*core.read_merchant.within(left_s).payables(MODEST, where=PayableFilter(), page=Page())]


def waiting_for(database_url: str, text: str) -> list[int]:
    """Return the server processes whose statement has the text in it, and waits for a lock."""
    # A connection of its own each time: within a transaction, pg_stat_activity stays as it was.
    engine = create_engine(database_url)
    query = "SELECT pid FROM pg_stat_activity WHERE state = 'active' AND wait_event_type = 'Lock' AND query LIKE %s"
    with engine.connect() as connection:
        found = list(connection.exec_driver_sql(query, (f"%{text}%",)).scalars())
    engine.dispose()
    return found
