"""One merchant who asks for everything, and another who is answered all the same."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx
import pytest
from sqlalchemy import create_engine

from psp_api.server.fair_threads import FairThreads, ThreadLimits
from psp_api.server.problems.refusals import Overloaded
from psp_core.bootstrap import Core
from psp_core.domain.kernel.errors import StorageUnavailable
from psp_core.domain.kernel.paging import Page
from psp_core.domain.payables import PayableFilter
from tests.api.bodies import a_body
from tests.api.locks import PATIENT, locked, owners_url, waiting_for
from tests.api.server import Api, api_program
from tests.reach import postgres
from tests.waiting import wait_for

LIMITS = ThreadLimits(threads=4, waiting_max=100, timeout_s=30)
GREEDY, MODEST = "greedy", "modest"


@contextmanager
def an_api(api: Api, environment: dict[str, str], folder: Path, **settings: str) -> Iterator[Api]:
    program, url = api_program(folder, environment={**environment, **PATIENT, **settings})
    with program:
        yield Api(url, api.core, program.log_file)


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
        database_url = owners_url(api)
        with (
            an_api(api, api_environment, tmp_path, PSP_API_WAITING_TRANSACTIONS_MAX="5") as own,
            own.client(merchant) as greedy,
            own.client(f"{merchant}-modest") as modest,
            ThreadPoolExecutor(10) as pool,
        ):
            with locked(database_url, "transactions"):
                sent = {pool.submit(greedy.post, "/transactions", json=a_body())}
                wait_for(lambda: waiting_for(database_url, "psp_accept"), within_s=30, what="the commit")
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
        database_url = owners_url(api)
        with (
            an_api(api, api_environment, tmp_path) as own,
            own.client(merchant, **{"Idempotency-Key": "taken"}) as greedy,
            own.client(f"{merchant}-modest") as modest,
            ThreadPoolExecutor(1) as pool,
        ):
            with uncommitted_key(database_url, merchant, "taken"):
                batch = pool.submit(greedy.post, "/transactions/batch", json=[a_body()] * 100)
                wait_for(lambda: waiting_for(database_url, "psp_accept"), within_s=30, what="the batch's commit")

                assert modest.post("/transactions", json=a_body()).status_code == 201
                assert not batch.done()

            assert batch.result().status_code == 201


class TestReads:
    def test_of_one_merchant_leave_threads_to_another(self, core: Core) -> None:
        gate = threading.Event()

        async def main() -> None:
            readers = FairThreads(LIMITS)
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

    @pytest.mark.parametrize(("has_others", "threads"), [(False, 3), (True, 1)])
    def test_of_one_merchant_take_one_thread_beside_others_and_all_but_one_alone(
        self, has_others: bool, threads: int
    ) -> None:
        gate = threading.Event()

        async def main() -> None:
            readers = FairThreads(LIMITS)
            if has_others:
                await readers.call(lambda _: True, merchant=MODEST)
            started: list[int] = []
            every = threading.Semaphore(0)

            def read(_: float) -> bool:
                started.append(1)
                every.release()
                return gate.wait(30)

            tasks = [asyncio.create_task(readers.call(read, merchant=GREEDY)) for _ in range(12)]
            await asyncio.sleep(0)
            for _ in range(threads):
                await asyncio.to_thread(every.acquire, timeout=30)
            assert await readers.call(lambda _: len(started), merchant=f"{MODEST}-2") == threads
            gate.set()
            await asyncio.gather(*tasks)
            readers.close()

        asyncio.run(main())

    @pytest.mark.parametrize(("has_others", "turns"), [(False, 2), (True, 1)])
    def test_of_one_merchant_begin_no_more_turns_than_it_may_hold(self, has_others: bool, turns: int) -> None:
        limits = ThreadLimits(threads=4, waiting_max=100, timeout_s=30, taken_alone_max=2)

        async def main() -> None:
            readers = FairThreads(limits)
            if has_others:
                await readers.call(lambda _: True, merchant=MODEST)
            held = 0
            most = 0
            go_on = asyncio.Event()
            has_all = asyncio.Event()

            async def hold() -> None:
                nonlocal held, most
                async with readers.turn(lambda _: True, merchant=GREEDY):
                    held += 1
                    most = max(most, held)
                    if held == turns:
                        has_all.set()
                    await go_on.wait()
                    held -= 1

            tasks = [asyncio.create_task(hold()) for _ in range(6)]
            await has_all.wait()
            # As long as the others may take their turn, one more of the greedy would have had its own.
            for number in range(2):
                await readers.call(lambda _: True, merchant=f"{MODEST}-{number}")
            assert held == turns
            go_on.set()
            await asyncio.gather(*tasks)
            assert most == turns
            readers.close()

        asyncio.run(main())

    def test_give_their_turn_back_when_what_follows_fails(self) -> None:
        async def main() -> None:
            readers = FairThreads(ThreadLimits(threads=2, waiting_max=1, timeout_s=30, taken_alone_max=1))
            for _ in range(3):
                with pytest.raises(StorageUnavailable):
                    async with readers.turn(lambda _: True, merchant=GREEDY):
                        raise StorageUnavailable("it is down")
            assert await readers.call(lambda _: True, merchant=GREEDY)
            readers.close()

        asyncio.run(main())

    def test_get_their_turn_before_those_of_one_who_has_many(self) -> None:
        gate = threading.Event()
        order: list[str] = []

        def read(merchant: str, _: float) -> None:
            gate.wait(30)
            order.append(merchant)

        async def main() -> None:
            readers = FairThreads(ThreadLimits(threads=1, waiting_max=1_000, timeout_s=30))
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
        limits = ThreadLimits(threads=1, waiting_max=1, timeout_s=0.05)

        async def main() -> None:
            readers = FairThreads(limits)
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
        limits = ThreadLimits(threads=1, waiting_max=1, timeout_s=30)

        async def main() -> None:
            readers = FairThreads(limits)
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
        database_url = owners_url(api)
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

    def test_may_take_no_longer_for_two_statements_than_for_one(self, core: Core) -> None:
        query = "SELECT setting::int FROM pg_settings WHERE name = 'statement_timeout'"
        with core.store.read_as("merchant-1", within_s=30) as work:
            work.connection.exec_driver_sql("SELECT pg_sleep(0.1)")  # type: ignore[attr-defined]
            work.shorten()
            assert work.connection.exec_driver_sql(query).scalar_one() <= 29_900  # type: ignore[attr-defined]

    def test_asks_nothing_more_when_its_time_has_passed(self, core: Core) -> None:
        with core.store.read_as("merchant-1", within_s=0.1) as work:
            work.connection.exec_driver_sql("SET LOCAL statement_timeout = 0")  # type: ignore[attr-defined]
            work.connection.exec_driver_sql("SELECT pg_sleep(0.1)")  # type: ignore[attr-defined]
            with pytest.raises(StorageUnavailable):
                work.shorten()

    def test_is_over_in_time_when_it_is_for_the_payables_of_a_transaction(
        self, api: Api, api_environment: dict[str, str], tmp_path: Path, merchant: str
    ) -> None:
        database_url = owners_url(api)
        with (
            an_api(api, api_environment, tmp_path, PSP_API_READ_TIMEOUT_S="6") as own,
            own.client(merchant) as client,
            ThreadPoolExecutor(1) as pool,
        ):
            path = f"/transactions/{client.post('/transactions', json=a_body()).json()['id']}/payables"
            with locked(database_url, "payables"):
                with locked(database_url, "transactions"):
                    asked = pool.submit(client.get, path)
                    wait_for(lambda: waiting_for(database_url, "FROM transactions"), within_s=30, what="the first")
                    begun_s = time.monotonic()
                    wait_for(lambda: time.monotonic() - begun_s > 2, within_s=30, what="a third of the time")
                wait_for(lambda: waiting_for(database_url, "FROM payables"), within_s=30, what="the second")
                assert asked.result().json()["code"] == "storage_unavailable"
                told_s = time.monotonic()
                wait_for(lambda: not waiting_for(database_url, "FROM payables"), within_s=30, what="its end")
                ended_s = time.monotonic()

            assert (ended_s - told_s) / (told_s - begun_s) < 0.25


def payables(core: Core, left_s: float) -> list[object]:
    return [*core.read_merchant.within(left_s).payables(MODEST, where=PayableFilter(), page=Page())]
