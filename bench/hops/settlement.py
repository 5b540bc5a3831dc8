"""Settling a due date beside the two bare UPDATEs in one commit, at several sizes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from bench.results import Curve, HopResult, Row
from bench.rig import processes
from bench.rig.rounds import Bench, timed
from bench.rig.seeds import add_due_payables
from psp_core.adapters.postgres.operations.books import RULES
from psp_local import LocalStackError

_SIZES = (100_000, 1_000_000, 2_000_000)
_QUICK_DIVISOR = 100
_WITHIN = 0.85
_COPY, _BARE = "bench_settle", "bench_bare"
# What no settlement can do without: pay what is due, and mark the transactions. No batches, no totals, no control.
_PAY = "UPDATE payables SET status = 'paid', paid_at = now(), updated_at = now() WHERE due_on = %s AND status <> 'paid'"
_MARK = """UPDATE transactions SET status = 'paid', updated_at = now() FROM payables
WHERE transaction_id = transactions.id AND due_on = %s"""


@dataclass
class _Settled:
    """By size, in payables: a figure for each round."""

    product_s: dict[int, list[float]] = field(default_factory=dict)
    baseline_s: dict[int, list[float]] = field(default_factory=dict)
    peak_mib: list[float] = field(default_factory=list)

    @staticmethod
    def rates(seconds: dict[int, list[float]]) -> dict[int, list[float]]:
        return {size: [size / each for each in figures] for size, figures in seconds.items()}


def settlement(bench: Bench, *, sizes: Sequence[int] = _SIZES) -> HopResult:
    """Measure settlements at several sizes; the target is for the last but one."""
    if bench.is_quick:
        sizes = [size // _QUICK_DIVISOR for size in sizes]
    target, largest = sizes[-2:]
    due_on = datetime.now(UTC).date() - timedelta(days=1)
    settled = _Settled()
    with ExitStack() as seeds:
        for size in sizes:
            bench.say(f"seeding {size:,} due payables")
            name = seeds.enter_context(bench.servers.database(_seed(size)))
            add_due_payables(bench.servers, name, count=size, due_on=due_on)
            bench.servers.settle_down(name)
            settled.product_s[size] = []
            # At the largest size only the product's own rate is looked at.
            if size != largest:
                settled.baseline_s[size] = []
        bench.compare(
            f"settlement of {target:,}, seconds",
            product=lambda number: [_product(bench, size, due_on, settled, number) for size in sizes][-2],
            baseline=lambda _: [_baseline(bench, size, due_on, settled) for size in settled.baseline_s][-1],
        )
    rates, bare = settled.rates(settled.product_s), settled.rates(settled.baseline_s)
    linear = [large / small for large, small in zip(rates[sizes[-1]], rates[sizes[0]], strict=True)]
    return HopResult(
        name="settlement",
        title="Settlement",
        method=f"{target:,} payables due on one date, of 1,000 merchants, one in ten a transaction's last installment; "
        "`core.settle_payables` in its own process with the product's defaults, control totals, settlement batches "
        "and their closing included. Baseline: UPDATE of the payables, then of their transactions, in one commit. "
        "Each starts from a fresh copy of the same database.",
        rows=[
            Row(f"settlement of {target:,} due payables", "payables/s", rates[target], bare[target], at_least=0.5),
            Row(
                f"rate at {sizes[-1]:,} divided by the rate at {sizes[0]:,}", "times", linear, at_least=_WITHIN
            ),
            Row("settling process's peak memory, all sizes", "MiB", settled.peak_mib),
        ],
        curves=[
            Curve("settlement", "Settling a due date", "payables due", "seconds",
                  {"settlement": settled.product_s, "two bare UPDATEs": settled.baseline_s}),
            Curve("settlement-rate", "Rate of a settlement", "payables due", "payables a second",
                  {"settlement": rates, "two bare UPDATEs": bare}),
        ],
    )  # fmt: skip


def _product(bench: Bench, size: int, due_on: date, settled: _Settled, number: int) -> float:
    servers = bench.servers
    with servers.database(_COPY, template=_seed(size)) as database:
        servers.settle_down(database)
        worker = processes.start(servers.environment(database), "settle", "--due-on", due_on.isoformat())
        try:
            report = worker.report()
        finally:
            worker.end()
        if report["settled"] != size:
            raise LocalStackError(f"{size} payables were due: {report}")
        if number == 0:
            require_books(bench, database)
    settled.product_s[size].append(report["seconds"])
    settled.peak_mib.append(report["peak_mib"])
    return float(report["seconds"])


def _baseline(bench: Bench, size: int, due_on: date, settled: _Settled) -> float:
    servers = bench.servers
    with servers.database(_BARE, template=_seed(size)) as database:
        servers.settle_down(database)
        connection = servers.connect(database)
        connection.autocommit = False

        def pay() -> None:
            with connection.cursor() as cursor:
                cursor.execute(_PAY, (due_on,))
                if cursor.rowcount != size:
                    raise LocalStackError(f"{size} payables were due, {cursor.rowcount} were paid")
                cursor.execute(_MARK, (due_on,))
                if cursor.rowcount != size:
                    raise LocalStackError(f"{size} transactions were to be marked, {cursor.rowcount} were")
            connection.commit()

        try:
            seconds = timed(pay)
        finally:
            connection.close()
    settled.baseline_s[size].append(seconds)
    return seconds


def require_books(bench: Bench, database: str) -> None:
    """Raise when the books of a database do not balance: what was measured would not be worth a number."""
    for rule, query in RULES.items():
        counted = query.replace("%%", "%").replace("%(zone)s", "'UTC'")
        if found := bench.servers.value(f"SELECT count(*) FROM ({counted}) AS violations", database=database):  # noqa: S608
            raise LocalStackError(f"the books do not balance: {rule}, {found} times")


def _seed(size: int) -> str:
    return f"seed_settle_{size}"
