from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import create_engine

from psp_core.adapters.postgres.store import PoolLimits, PostgresStore, open_store
from psp_core.domain.kernel.errors import HoldLost
from tests.waiting import wait_for

DAY = date(2026, 4, 9)
OTHER_DAY = date(2026, 4, 10)
SHORT_LEASE_S = 1.0

HOLDER = """
import sys
from datetime import date
from psp_core.adapters.postgres.store import PoolLimits, open_store
store = open_store(sys.argv[1], limits=PoolLimits(), lease_s=1)
with store.hold_due_date(date(2026, 4, 9), holder="the other") as hold:
    print("held" if hold else "refused", flush=True)
    sys.stdin.readline()
    try:
        with store.begin() as work:
            work.leases.require(hold)
        print("committed", flush=True)
    except Exception as refusal:
        print(type(refusal).__name__, flush=True)
"""


@pytest.fixture
def store(database_url: str) -> Iterator[PostgresStore]:
    store = open_store(database_url, limits=PoolLimits(), lease_s=SHORT_LEASE_S)
    yield store
    store.close()


@contextmanager
def a_process_that_holds_the_day(url: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def answer_of(process: subprocess.Popen[str]) -> str:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    return process.stdout.readline().strip()


def names(store: PostgresStore) -> dict[str, bool]:
    with store.begin() as work:
        return {lease.name: lease.is_live for lease in work.leases.all()}


class TestHoldDueDate:
    def test_is_one_holders_at_a_time_and_names_it(self, store: PostgresStore) -> None:
        with store.hold_due_date(DAY, holder="run 1") as first, store.hold_due_date(DAY, holder="run 2") as second:
            assert first
            assert not second
            assert second.holder == "run 1"

        with store.hold_due_date(DAY) as free:
            assert free

    def test_leaves_other_dates_alone(self, store: PostgresStore) -> None:
        with store.hold_due_date(DAY) as one, store.hold_due_date(OTHER_DAY) as other:
            assert one
            assert other

    def test_is_free_when_the_block_raises(self, store: PostgresStore) -> None:
        with pytest.raises(KeyboardInterrupt), store.hold_due_date(DAY):
            raise KeyboardInterrupt

        assert names(store) == {}

    def test_lasts_longer_than_a_lease_while_the_holder_lives(self, store: PostgresStore) -> None:
        brief = replace(store, lease_s=SHORT_LEASE_S / 5)
        with store.hold_due_date(DAY) as hold:
            for _ in range(10):
                # A rival looks on until it has seen a sign of life, which comes five times a lease.
                with brief.hold_due_date(DAY) as rival:
                    assert not rival
            with store.hold_due_date(DAY) as rival:
                assert not rival
            assert hold

    def test_is_taken_over_from_a_holder_that_was_killed(self, store: PostgresStore, database_url: str) -> None:
        with a_process_that_holds_the_day(database_url) as process:
            process.kill()

            with store.hold_due_date(DAY) as hold:
                assert hold

    def test_lets_a_holder_that_stood_still_commit_nothing_after_it_was_taken_over(
        self, store: PostgresStore, database_url: str
    ) -> None:
        with a_process_that_holds_the_day(database_url) as process:
            os.kill(process.pid, signal.SIGSTOP)
            with store.hold_due_date(DAY) as hold:
                os.kill(process.pid, signal.SIGCONT)

                assert answer_of(process) == "HoldLost"
                with store.begin() as work:
                    work.leases.require(hold)

    def test_lets_a_holder_that_stood_still_go_on_when_nobody_took_over(
        self, store: PostgresStore, database_url: str
    ) -> None:
        with a_process_that_holds_the_day(database_url) as process:
            os.kill(process.pid, signal.SIGSTOP)
            wait_for(lambda: names(store) == {f"due date {DAY}": False}, within_s=10, what="the lease lapses")
            os.kill(process.pid, signal.SIGCONT)

            assert answer_of(process) == "committed"

    def test_is_not_taken_over_before_a_commit_that_requires_it_has_ended(
        self, store: PostgresStore, database_url: str
    ) -> None:
        engine = create_engine(database_url)
        order: list[str] = []

        def take_over() -> None:
            with store.hold_due_date(DAY):
                order.append("taken over")

        with ExitStack() as stack:
            silent = stack.enter_context(store.hold_due_date(DAY))
            with store.begin() as work:
                work.leases.require(silent)
                # As if it had stood still: its own thread would go on renewing.
                silent._ended.set()
                rival = threading.Thread(target=take_over)
                rival.start()
                wait_for(lambda: _waits_for_a_lock(engine), within_s=20, what="the rival waits for the commit")
                order.append("committed")
            rival.join(20)
            with pytest.raises(HoldLost), store.begin() as work:
                work.leases.require(silent)

        engine.dispose()
        assert order == ["committed", "taken over"]

    def test_is_refused_while_the_holder_is_in_the_middle_of_a_commit(self, store: PostgresStore) -> None:
        with store.hold_due_date(DAY) as hold, store.begin() as work:
            work.leases.require(hold)

            with store.hold_due_date(DAY) as rival:
                assert not rival


class TestHoldRun:
    def test_shows_that_the_run_lives_and_its_dates(self, store: PostgresStore) -> None:
        with store.hold_run("1", due_dates=(DAY, OTHER_DAY), on_lost=lambda: None), store.begin() as work:
            [lease] = work.leases.all()

        assert (lease.name, lease.due_dates, lease.is_live) == ("run 1", (DAY, OTHER_DAY), True)
        assert names(store) == {}

    def test_tells_a_run_that_it_was_ended_from_outside(self, store: PostgresStore) -> None:
        told = threading.Event()
        with store.hold_run("1", due_dates=None, on_lost=told.set) as hold:
            with store.begin() as work:
                work.leases.revoke(hold.holder)

            assert told.wait(10)
            assert not hold

    def test_forgets_what_lapsed_long_ago(self, store: PostgresStore, database_url: str) -> None:
        with a_process_that_holds_the_day(database_url) as process:
            process.kill()
        wait_for(lambda: not any(names(store).values()), within_s=10, what="the lease lapses")

        with store.begin() as work:
            assert work.leases.purge(lapsed_for_s=3600) == 0
            assert work.leases.purge(lapsed_for_s=0) == 1


def _waits_for_a_lock(engine: object) -> bool:
    with engine.connect() as connection:  # type: ignore[attr-defined]
        return bool(
            connection.exec_driver_sql(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%%INTO leases%%'"
            ).scalar_one()
        )
