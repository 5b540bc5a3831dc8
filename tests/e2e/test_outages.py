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
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import create_engine

from psp_local.ports import free_port
from psp_local.postgres import EmbeddedPostgres
from tests.e2e.platform import RunningPlatform, running_platform
from tests.folders import open_folder
from tests.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]

OUTAGE_S = 60
FLOWS_WITHIN_S = 30
SETTLED_WITHIN_S = 120
WORKER = "multiprocessing.spawn"
PAYABLES = 600
DRAINS = 4

_BACKFILL = """mutation ($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) { ... on LaunchBackfillSuccess { backfillId } } }"""
_TERMINATE = """mutation ($id: String!) { terminateRun(runId: $id) { __typename } }"""
_WORKER_OF = """query ($id: ID!) { logsForRun(runId: $id) { ... on EventConnection { events {
  ... on MessageEvent { message } } } } }"""
_PID = re.compile(r"Started process for run \(pid: (\d+)\)")


@dataclass(frozen=True)
class Fragile:
    """A platform on a database that the test can take away."""

    platform: RunningPlatform
    postgres: EmbeddedPostgres

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
        events = self.platform.graphql(_WORKER_OF, id=run_id)["logsForRun"]["events"]
        return next(int(found[1]) for event in events if (found := _PID.search(event.get("message", ""))))

    def expect_flow(self, customer_id: str) -> None:
        """Post a transaction, and see its payable in time."""
        ends = time.monotonic() + FLOWS_WITHIN_S

        def posted() -> bool:
            return self.platform.post_transaction(customer_id=customer_id, key="after").status_code == 201

        def arrived() -> bool:
            return bool(self.platform.all_of("/payables", customer_id=customer_id))

        wait_for(posted, within_s=FLOWS_WITHIN_S, what="the API takes transactions")
        began = time.monotonic()
        wait_for(arrived, within_s=ends - began, what="a payable after the outage")
        print(
            f"{customer_id}: a payable {FLOWS_WITHIN_S - (ends - time.monotonic()):.1f} s after the database's return"
        )

    def start_settling(self, due_on: date) -> None:
        params = {
            "assetSelection": [{"path": ["settlement"]}],
            "partitionNames": [due_on.isoformat()],
            "fromFailure": False,
            "tags": [{"key": "psp/reason", "value": "end-to-end test"}],
        }
        self.platform.graphql(_BACKFILL, params=params)

    def paid(self, customer_id: str) -> int:
        engine = create_engine(self.postgres.url("psp"))
        with engine.connect() as connection:
            count = connection.exec_driver_sql(
                "SELECT count(*) FROM payables WHERE customer_id = %s AND status = 'paid'", (customer_id,)
            ).scalar_one()
        engine.dispose()
        return int(count)

    def post_many(self, customer_id: str) -> None:
        self.platform.psp("fee-plans", "set", customer_id, "--credit-delay-days", "0")
        with ThreadPoolExecutor(8) as clients:
            posts = clients.map(lambda _: self.platform.post_transaction(customer_id=customer_id), range(PAYABLES))
            assert {post.status_code for post in posts} == {201}
        wait_for(lambda: self._payables(customer_id) == PAYABLES, within_s=120, what="the payables")

    def _payables(self, customer_id: str) -> int:
        return len(self.platform.all_of("/payables", customer_id=customer_id))


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
        with running_platform(folder / "data", **settings) as platform:
            yield Fragile(platform, postgres)


class TestOutageOfTheDatabase:
    def test_delays_payables_only_while_it_lasts(self, fragile: Fragile) -> None:
        [drain, *_] = wait_for(fragile.drains, within_s=120, what="all drains run")
        pid = fragile.pid_of(drain)

        with fragile.outage():
            pass

        fragile.expect_flow("anakin")
        os.kill(pid, 0)  # the drain itself has outlived it

    def test_is_over_in_time_when_the_workers_die_with_it(self, fragile: Fragile) -> None:
        wait_for(fragile.drains, within_s=120, what="all drains run")

        with fragile.outage(kill=fragile.platform.pids(WORKER)):
            pass

        fragile.expect_flow("ben")

    @pytest.mark.parametrize(("customer_id", "dies"), [("cassian", True), ("cara", False)], ids=["worker", "nobody"])
    def test_holds_up_a_settlement_while_it_lasts(self, fragile: Fragile, customer_id: str, dies: bool) -> None:
        fragile.post_many(customer_id)
        fragile.start_settling(datetime.now(UTC).date())
        wait_for(lambda: fragile.paid(customer_id) > 0, within_s=120, what="the settlement is under way")

        with fragile.outage(kill=fragile.platform.pids(WORKER) if dies else []):
            pass
        half = fragile.paid(customer_id)

        wait_for(lambda: fragile.paid(customer_id) == PAYABLES, within_s=SETTLED_WITHIN_S, what="all are paid")
        assert 0 < half < PAYABLES
        assert "the books balance" in fragile.platform.psp("check-books")

    def test_leaves_terminate_and_later_launches_working(self, fragile: Fragile) -> None:
        [drain, *_] = wait_for(fragile.drains, within_s=120, what="all drains run")

        with fragile.outage(kill=[fragile.pid_of(drain)]):
            pass
        # Pressed again and again: it always returns, be it with the sentence that the code server is just starting.
        wait_for(lambda: fragile.press_terminate(drain), within_s=60, what="the dead run is ended")
        wait_for(fragile.drains, within_s=120, what="another drain is launched")
        fragile.expect_flow("din")


class TestDrainsKilledAtOnce:
    def test_are_replaced_in_time(self, fragile: Fragile) -> None:
        wait_for(fragile.drains, within_s=120, what="all drains run")
        for pid in fragile.platform.pids(WORKER):
            os.kill(pid, signal.SIGKILL)

        fragile.expect_flow("ezra")
        due_on = datetime.now(UTC).date() - timedelta(days=1)
        fragile.platform.settle(due_on)
