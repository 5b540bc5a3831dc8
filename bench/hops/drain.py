"""A backlog of packed messages drained into payables, beside one INSERT … SELECT of the same payables."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bench.results import Curve, HopResult, Row
from bench.rig import processes
from bench.rig.rounds import Bench, timed
from bench.rig.seeds import BARE_PAYABLES, add_transactions
from psp_core.adapters.sqs import SqsQueue, SqsSettings
from psp_core.domain.events import OutgoingMessage
from psp_core.settings import Settings
from psp_local import LocalStackError

_SIZES = (25_000, 100_000, 200_000, 400_000)
_QUICK_DIVISOR = 50
_MEMORY_BELOW_MIB = 250
_TOTALS = """
SELECT count(*), count(DISTINCT (transaction_id, installment)), sum(amount_minor), sum(fee_minor),
       sum(receivable_minor), count(*) FILTER (WHERE status = 'paid'), min(due_on), max(due_on)
FROM payables
"""


@dataclass
class Drained:
    """By backlog, in transactions: a figure for each round."""

    product_s: dict[int, list[float]] = field(default_factory=dict)
    baseline_s: dict[int, list[float]] = field(default_factory=dict)
    peak_mib: dict[int, list[float]] = field(default_factory=dict)
    payables: dict[int, int] = field(default_factory=dict)

    def rates(self, seconds: dict[int, list[float]]) -> dict[int, list[float]]:
        return {size: [self.payables[size] / each for each in figures] for size, figures in seconds.items()}


def drain(bench: Bench, *, sizes: Sequence[int] = _SIZES) -> HopResult:
    """Measure one drain at several backlogs; the target is for the last but one."""
    if bench.is_quick:
        sizes = [size // _QUICK_DIVISOR for size in sizes]
    target = sizes[-2]
    drained = Drained()
    with ExitStack() as seeds:
        for size in sizes:
            seeds.enter_context(_seeded(bench, size))
            drained.payables[size] = _measure_once(bench, size, drained)
        bench.compare(
            f"drain of {target:,}, seconds",
            product=lambda _: [_product(bench, size, drained) for size in sizes][sizes.index(target)],
            baseline=lambda _: [_baseline(bench, size, drained) for size in sizes][sizes.index(target)],
        )
        as_run = [_run_memory(bench, size) for size in sizes]
    rates, bare = drained.rates(drained.product_s), drained.rates(drained.baseline_s)
    memory = f"a Dagster run worker's peak memory, backlogs of {sizes[0]:,} to {sizes[-1]:,}"
    return HopResult(
        name="drain",
        title="Queue to payables",
        method=f"{target:,} transactions wait in the queue, {_per_message()} a message as the relay packs them; one "
        "`core.drain_queue` in its own process with the product's defaults; from its start to the commit of the last "
        "payable, without the linger. A fifth is debit, a tenth has three installments. Baseline: one statement, "
        "INSERT … SELECT, that computes the same payables. Both start from copies of one "
        "database, and their totals are compared.",
        rows=[
            Row(f"queue to payables, backlog of {target:,}", "payables/s", rates[target], bare[target], at_least=0.25),
            Row(
                f"drain process's peak memory, backlogs of {sizes[0]:,} to {sizes[-1]:,}",
                "MiB",
                [max(drained.peak_mib[size][number] for size in sizes) for number in range(bench.rounds)],
                below=_MEMORY_BELOW_MIB,
            ),
            Row(memory, "MiB", as_run, below=_MEMORY_BELOW_MIB),
        ],
        curves=[
            Curve("drain", "Draining a backlog", "transactions waiting", "payables a second",
                  {"drain run": rates, "one INSERT … SELECT": bare}),
            Curve("drain-memory", "Memory of a drain", "transactions waiting", "peak memory, MiB",
                  {"drain process": drained.peak_mib, "with all that a Dagster run worker imports":
                   {size: [peak] for size, peak in zip(sizes, as_run, strict=True)}}),
        ],
    )  # fmt: skip


@contextmanager
def _seeded(bench: Bench, size: int) -> Iterator[None]:
    with bench.servers.database(_seed(size)) as name:
        bench.say(f"seeding {size:,} transactions")
        start = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
        add_transactions(bench.servers, name, count=size, start=start)
        bench.servers.settle_down(name)
        yield


def _measure_once(bench: Bench, size: int, drained: Drained) -> int:
    """Run both once, untimed, and compare what they made; returns the number of payables."""
    servers = bench.servers
    with servers.database("bench_bare", template=_seed(size)) as bare:
        servers.run(bare, BARE_PAYABLES)
        wanted = servers.row(_TOTALS, database=bare)
    with servers.database("bench_drain", template=_seed(size)) as database:
        report = _drain(bench, database)
        found = servers.row(_TOTALS, database=database)
    if found != wanted or report["existing"] or report["left_messages"]:
        raise LocalStackError(f"the drain made {found}, the bare statement {wanted}: {report}")
    drained.product_s[size], drained.baseline_s[size], drained.peak_mib[size] = [], [], []
    count: int = found[0]
    return count


def _product(bench: Bench, size: int, drained: Drained) -> float:
    with bench.servers.database("bench_drain", template=_seed(size)) as database:
        report = _drain(bench, database)
    if report["created"] != drained.payables[size]:
        raise LocalStackError(f"{drained.payables[size]} payables were to be made: {report}")
    drained.product_s[size].append(report["seconds"])
    drained.peak_mib[size].append(report["peak_mib"])
    return float(report["seconds"])


def _baseline(bench: Bench, size: int, drained: Drained) -> float:
    with bench.servers.database("bench_bare", template=_seed(size)) as database:
        bench.servers.settle_down(database)
        seconds = timed(lambda: bench.servers.run(database, BARE_PAYABLES))
    drained.baseline_s[size].append(seconds)
    return seconds


def _run_memory(bench: Bench, size: int) -> float:
    with bench.servers.database("bench_drain", template=_seed(size)) as database:
        return float(_drain(bench, database, "--as-dagster-run")["peak_mib"])


def _drain(bench: Bench, database: str, *options: str) -> dict[str, float]:
    """Fill a new queue, drain it in another process, and return what that one reports."""
    name = f"bench-{uuid.uuid4().hex[:8]}"
    fill_queue(bench, database, queue_name=name)
    bench.servers.settle_down(database)
    settings = {"PSP_SQS_QUEUE_NAME": name, "PSP_DRAIN_LINGER_S": "3", "PSP_DRAIN_RECEIVE_WAIT_S": "1"}
    worker = processes.start(bench.servers.environment(database, **settings), "drain", *options)
    try:
        return worker.report()
    finally:
        worker.end()


def fill_queue(bench: Bench, database: str, *, queue_name: str, every: int = 1) -> None:
    """Create the queue and put every transaction, or one in `every`, into it, packed as the relay packs them."""
    queue = SqsQueue(SqsSettings(queue_name=queue_name, endpoint_url=bench.servers.sqs.endpoint_url))
    queue.create()
    connection = bench.servers.connect(database)
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM transactions ORDER BY id")
        ids: Sequence[uuid.UUID] = [row[0] for row in cursor]
    connection.close()
    ids = ids[::every]
    size = _per_message()
    outcome = queue.send([OutgoingMessage(list(ids[start : start + size])) for start in range(0, len(ids), size)])
    if outcome.failed:
        raise LocalStackError(f"the queue refused {len(outcome.failed)} messages")


def _per_message() -> int:
    default: int = Settings.model_fields["message_transactions_max"].default
    return default


def _seed(size: int) -> str:
    return f"seed_drain_{size}"
