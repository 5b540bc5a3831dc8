"""The database goes away for a minute, and processes with it: everything comes back with nobody's hand."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psutil
import pytest
from sqlalchemy import create_engine

from psp_local.ports import free_port
from psp_local.postgres import EmbeddedPostgres
from tests.e2e.platform import AGREED, REASON, RunningPlatform, running_platform
from tests.folders import open_folder
from tests.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]

OUTAGE_S = 60
# After the database's return, on a machine on which the platform starts in ten seconds; longer on one that is busy.
FLOWS_WITHIN_S = 30
SETTLED_WITHIN_S = 120
STARTS_WITHIN_S = 10
WORKER = "multiprocessing.spawn"
PAYABLES = 600
DRAINS = 4

_TERMINATE = """mutation ($id: String!) { terminateRun(runId: $id) { __typename } }"""
_WORKER_OF = """query ($id: ID!) { logsForRun(runId: $id) { ... on EventConnection { events {
  ... on MessageEvent { message } } } } }"""
_PID = re.compile(r"Started process for run \(pid: (\d+)\)")


@dataclass
class Fragile:
    """A platform on a database that the test can take away."""

    platform: RunningPlatform
    postgres: EmbeddedPostgres
    slowness: float
    """How many times longer than it should the platform took to start."""

    back_at_s: float = 0
    """Since when nothing is broken any more, on the monotonic clock."""

    backfill_id: str = ""
    """The settlement that was begun last."""

    @contextmanager
    def outage(self, *, kill: list[int] | None = None) -> Iterator[None]:
        """The postmaster is killed, with the processes; it is back when the block and the outage are over."""
        ends = time.monotonic() + OUTAGE_S
        assert self.postgres.process is not None
        for pid in [self.postgres.process.pid, *(kill or [])]:
            os.kill(pid, signal.SIGKILL)
        self.postgres.stop()
        yield
        time.sleep(max(0, ends - time.monotonic()))
        self.postgres.start()
        self.back_at_s = time.monotonic()

    def left_of(self, seconds: float) -> float:
        """Return what is left of so many seconds for coming back."""
        return self.back_at_s + seconds * self.slowness - time.monotonic()

    def drains(self) -> list[str]:
        """Return the drains' runs once all are up."""
        criteria = {"statuses": ["STARTED"], "tags": [{"key": "psp/kind", "value": "drain"}]}
        running = [run["runId"] for run in self.platform.runs(**criteria)]
        return running if len(running) == DRAINS else []

    def press_terminate(self, run_id: str) -> bool:
        """Press the button; tell whether the run has ended."""
        body = {"query": _TERMINATE, "variables": {"id": run_id}}
        self.platform.dagster.post("/graphql", json=body, timeout=20)
        return bool(self.platform.runs(runIds=[run_id], statuses=["FAILURE", "CANCELED"]))

    def pid_of(self, run_id: str) -> int:
        return next(int(found[1]) for event in self.events_of(run_id) if (found := _PID.search(event)))

    def events_of(self, run_id: str) -> list[str]:
        events = self.platform.graphql(_WORKER_OF, id=run_id)["logsForRun"]["events"]
        return [event.get("message", "") for event in events]

    def expect_flow(self, customer_id: str) -> None:
        """Post a transaction, and see its payable in time."""

        def posted() -> bool:
            return self.platform.post_transaction(customer_id=customer_id, key="after").status_code == 201

        def arrived() -> bool:
            return bool(self.platform.all_of("/payables", customer_id=customer_id))

        wait_for(posted, within_s=self.left_of(FLOWS_WITHIN_S), what="the API takes transactions")
        wait_for(arrived, within_s=self.left_of(FLOWS_WITHIN_S), what="a payable after the outage")
        print(f"{customer_id}: a payable {time.monotonic() - self.back_at_s:.1f} s after all was back")

    def begin_settlement_of(self, customer_id: str) -> None:
        """Post many transactions that are due today, and have their settlement begun but not ended."""
        self.platform.psp("fee-plans", "set", customer_id, "--credit-delay-days", "0", *AGREED)
        with ThreadPoolExecutor(8) as clients:
            list(clients.map(lambda number: self._post(customer_id, number), range(PAYABLES)))
        wait_for(lambda: self._payables(customer_id) == PAYABLES, within_s=120, what="the payables")
        launched = self.platform.launch_settlement(datetime.now(UTC).date(), reason=REASON)
        self.backfill_id = launched["backfillId"]
        wait_for(lambda: self.paid(customer_id) > 0, within_s=120, what="the settlement is under way")

    def expect_settled(self, customer_id: str, *, half: int) -> None:
        """See the settlement end in time, of which `half` of the payables were paid during the outage."""
        wait_for(lambda: self.paid(customer_id) == PAYABLES, within_s=self.left_of(SETTLED_WITHIN_S), what="all paid")
        # Its daemon looks each half a minute.
        wait_for(
            lambda: self.platform.backfill_ended_well(self.backfill_id),
            within_s=60 * self.slowness,
            what="the backfill has ended, too",
        )
        assert 0 < half < PAYABLES
        assert "the books balance" in self.platform.psp("check-books")

    def paid(self, customer_id: str) -> int:
        return self._count("status = 'paid'", customer_id)

    def _payables(self, customer_id: str) -> int:
        return self._count("true", customer_id)

    def _count(self, condition: str, customer_id: str) -> int:
        """Count payables in the database: asked for ten times a second, the API would have no time for the platform."""
        engine = create_engine(self.postgres.url("psp"))
        with engine.connect() as connection:
            count = connection.exec_driver_sql(
                f"SELECT count(*) FROM payables WHERE customer_id = %s AND {condition}",
                (customer_id,),
            ).scalar_one()
        engine.dispose()
        return int(count)

    def _post(self, customer_id: str, number: int) -> None:
        """Post a transaction as merchants do: again, with its key, after a 503 that the last outage has left behind."""
        key = f"{customer_id}-{number}"
        wait_for(
            lambda: self.platform.post_transaction(customer_id=customer_id, key=key).status_code == 201,
            within_s=60,
            what="a transaction is taken",
        )


@pytest.fixture(scope="module")
def fragile() -> Iterator[Fragile]:
    with open_folder() as folder, EmbeddedPostgres(folder / "postgres", free_port()) as postgres:
        postgres.create_database("psp")
        settings = {
            "PSP_DATABASE_URL": postgres.url("psp"),
            "PSP_SETTLEMENT_CHUNK_PAYABLES": "1",
            "PSP_SQS_VISIBILITY_TIMEOUT_S": "10",
            # As many as may run: dead ones would leave no room for another.
            "PSP_DRAIN_RUNS_STANDBY": str(DRAINS),
        }
        begun_s = time.monotonic()
        with running_platform(folder / "data", **settings) as platform:
            took_s = time.monotonic() - begun_s
            yield Fragile(platform, postgres, slowness=max(1, took_s / STARTS_WITHIN_S))


class TestOutageOfTheDatabase:
    def test_delays_payables_and_settlements_only_while_it_lasts(self, fragile: Fragile) -> None:
        [drain, *_] = wait_for(fragile.drains, within_s=120, what="all drains run")
        pid = fragile.pid_of(drain)
        fragile.begin_settlement_of("cara")

        with fragile.outage():
            pass

        half = fragile.paid("cara")
        fragile.expect_flow("anakin")
        assert psutil.pid_exists(pid), "\n".join(fragile.events_of(drain))  # the drain itself has outlived it
        fragile.expect_settled("cara", half=half)

    def test_is_over_in_time_when_the_workers_die_with_it(self, fragile: Fragile) -> None:
        wait_for(fragile.drains, within_s=120, what="all drains run")
        fragile.begin_settlement_of("cassian")

        with fragile.outage(kill=fragile.platform.pids(WORKER)):
            pass

        half = fragile.paid("cassian")
        fragile.expect_flow("ben")
        fragile.expect_settled("cassian", half=half)

    def test_leaves_terminate_and_later_launches_working(self, fragile: Fragile) -> None:
        [drain, *_] = wait_for(fragile.drains, within_s=120, what="all drains run")

        with fragile.outage(kill=[fragile.pid_of(drain)]):
            pass
        # Pressed again and again: it always returns, be it with the sentence that the code server is just starting.
        wait_for(lambda: fragile.press_terminate(drain), within_s=120, what="the dead run is ended")
        wait_for(fragile.drains, within_s=120, what="another drain is launched")
        fragile.back_at_s = time.monotonic()
        fragile.expect_flow("din")


class TestDrainsKilledAtOnce:
    def test_are_replaced_in_time(self, fragile: Fragile) -> None:
        wait_for(fragile.drains, within_s=120, what="all drains run")
        for pid in fragile.platform.pids(WORKER):
            os.kill(pid, signal.SIGKILL)

        fragile.back_at_s = time.monotonic()
        fragile.expect_flow("ezra")
        due_on = datetime.now(UTC).date() - timedelta(days=1)
        fragile.platform.settle(due_on)
