"""POST /transactions beside pgbench's one-row INSERT, with and without relay and drain."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bench.results import HopResult, Row
from bench.rig import load, processes
from bench.rig.load import HttpLoad
from bench.rig.rounds import Bench
from bench.rig.servers import TABLES
from psp_core.adapters.sqs import SqsQueue, SqsSettings
from psp_local import LocalStackError

_TRUNCATE = f"TRUNCATE {TABLES}"
_P99_BELOW_MS = 100
_API, _BARE = "bench_api", "bench_bare"


@dataclass
class _Intake:
    bench: Bench
    port: int
    loads: list[HttpLoad] = field(default_factory=list)

    @property
    def clients(self) -> int:
        return self.bench.size(64, quick=8)

    @property
    def seconds(self) -> float:
        return self.bench.seconds(10)

    def prepare(self) -> None:
        self.bench.servers.run(_API, _TRUNCATE)
        self.bench.servers.run(_BARE, _TRUNCATE)
        self.bench.servers.settle_down(_API, _BARE)

    def product(self, number: int) -> float:
        self.prepare()
        done = load.post_transactions(self.port, seconds=self.seconds, tag=f"round-{number}", clients=self.clients)
        self.loads.append(done)
        self.require_stored(done)
        return done.rate

    def baseline(self, _number: int) -> float:
        self.prepare()
        return load.insert_single_rows(self.bench.servers, _BARE, seconds=self.seconds, clients=self.clients)

    def require_stored(self, done: HttpLoad) -> None:
        """Every answer that was counted is a row; at its end wrk hangs up on at most one request a connection."""
        stored, keys = self.bench.servers.row(
            "SELECT (SELECT count(*) FROM transactions), (SELECT count(*) FROM idempotency_keys)", database=_API
        )
        answered = done.requests - done.failed
        if not answered <= stored <= done.requests + self.clients or stored != keys:
            raise LocalStackError(f"{answered} requests were answered, but {stored} rows and {keys} keys are stored")

    def warm_up(self) -> None:
        load.post_transactions(self.port, seconds=2, tag="warm-up", clients=self.clients)
        load.insert_single_rows(self.bench.servers, _BARE, seconds=4, clients=self.clients)

    def rows(self, mine: list[float], bare: list[float], *, what: str, at_least: float) -> list[Row]:
        return [
            Row(what, "transactions/s", mine, bare, at_least=at_least),
            Row(f"{what}: p99 latency", "ms", [done.p99_ms for done in self.loads], below=_P99_BELOW_MS),
            Row(f"{what}: p50 latency", "ms", [done.p50_ms for done in self.loads]),
            Row(f"{what}: failed requests", "requests", [float(done.failed) for done in self.loads], below=1),
        ]


def intake(bench: Bench) -> HopResult:
    """Measure the API alone: transaction, outbox and idempotency key durable, nobody reading the outbox."""
    with _databases(bench), bench.servers.api(_API, with_relay=False) as port:
        measured = _Intake(bench, port)
        measured.warm_up()
        mine, bare = bench.compare("intake", product=measured.product, baseline=measured.baseline)
    what = f"`POST /transactions`, {measured.clients} connections"
    return HopResult(
        name="intake",
        title="POST /transactions",
        method=f"wrk, one thread, {measured.clients} connections, {measured.seconds:.0f} s a round, an "
        "`Idempotency-Key` of its own for each request, 1,000 merchants; the API with the product's defaults, "
        f"two workers, log on. Baseline: pgbench, {measured.clients} clients, prepared INSERT of the same row "
        "into the same table, one a commit. Both tables are emptied before each part.",
        rows=measured.rows(mine, bare, what=what, at_least=0.5),
    )


class _LiveIntake(_Intake):
    """With the relay, and a drain run that has begun before the load does."""

    queue: SqsQueue
    behind: list[float]

    def product(self, number: int) -> float:
        self.prepare()
        settings = {"PSP_SQS_QUEUE_NAME": self.queue.settings.queue_name, "PSP_DRAIN_LINGER_S": "8"}
        worker = processes.start(self.bench.servers.environment(_API, **settings), "drain")
        try:
            worker.wait_until_ready()
            done = load.post_transactions(self.port, seconds=self.seconds, tag=f"round-{number}", clients=self.clients)
            self.behind.append(float(self._missing()))
            report = worker.report()
        finally:
            worker.end()
        self.loads.append(done)
        self.require_stored(done)
        if missing := self._missing():
            raise LocalStackError(f"{missing} transactions have no payable after the drain: {report}")
        return done.rate

    def _missing(self) -> int:
        """Count the transactions without their payable; each has exactly one."""
        found: int = self.bench.servers.value(
            "SELECT (SELECT count(*) FROM transactions) - (SELECT count(*) FROM payables)", database=_API
        )
        return found


def live_intake(bench: Bench) -> HopResult:
    """Measure the API with its relay sending, and a drain run making the payables meanwhile."""
    name = f"bench-{uuid.uuid4().hex[:8]}"
    queue = _queue(bench, name)
    with _databases(bench), bench.servers.api(_API, with_relay=True, PSP_SQS_QUEUE_NAME=name) as port:
        measured = _LiveIntake(bench, port)
        measured.queue, measured.behind = queue, []
        mine, bare = bench.compare("live intake", product=measured.product, baseline=measured.baseline)
    what = f"`POST /transactions`, {measured.clients} connections, relay and drain run live"
    rows = measured.rows(mine, bare, what=what, at_least=0.35)
    rows.append(Row(f"{what}: payables not made yet when the load ends", "payables", measured.behind))
    return HopResult(
        name="live-intake",
        title="POST /transactions with relay and drain run",
        method="The same load and baseline; the API's relay sends to the SQS endpoint, and a drain (`core.drain_queue` "
        "in its own process) consumes it, all on the same cores. After each round every transaction has its payable.",
        rows=rows,
    )


@contextmanager
def _databases(bench: Bench) -> Iterator[None]:
    with bench.servers.database(_API), bench.servers.database(_BARE):
        yield


def _queue(bench: Bench, name: str) -> SqsQueue:
    queue = SqsQueue(SqsSettings(queue_name=name, endpoint_url=bench.servers.sqs.endpoint_url))
    queue.create()
    return queue
