"""Checking the books after a settlement, beside a short and a long history: the check costs what changed."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from uuid import UUID

from bench.results import HopResult, Row
from bench.rig.rounds import Bench, timed
from bench.rig.sealed_history import DAYS, MERCHANTS, add_sealed_history
from bench.rig.seeds import add_transactions
from psp_core.bootstrap import Core, build_core
from psp_core.settings import Settings
from psp_local import LocalStackError

_SETTLED = 10_000
_SIZES = (1_000_000, 10_000_000)
_QUICK_SIZES = (100_000, 1_000_000)
_GROWS_BELOW = 1.1


def books(bench: Bench) -> HopResult:
    """Capture and settle the same beside both histories, and time the check that follows."""
    short, long = _QUICK_SIZES if bench.is_quick else _SIZES
    found: dict[int, list[float]] = {short: [], long: []}
    with ExitStack() as stack:
        cores = {size: stack.enter_context(_Settled(bench, size)) for size in found}
        for number in range(bench.rounds):
            for size in (short, long) if number % 2 == 0 else (long, short):
                found[size].append(timed(cores[size].check))
            bench.say(f"books, round {number + 1}: {found[short][-1]:.3f} s, {found[long][-1]:.3f} s")
    grown = [larger / smaller for larger, smaller in zip(found[long], found[short], strict=True)]
    return HopResult(
        name="books",
        title="Checking the books",
        method=f"A history of settled payables of {DAYS} days and {MERCHANTS} merchants, whose days are sealed; then "
        f"{_SETTLED:,} payables are captured and settled by the product, and `core.check_books` is timed, in this "
        "process, beside both histories in turn.",
        rows=[
            Row(f"books after settling {_SETTLED:,}, beside {long:,} payables", "s", found[long]),
            Row(f"the same divided by that beside {short:,}", "times", grown, below=_GROWS_BELOW),
        ],
    )


class _Settled:
    """A database with a history and today's settlement, for as long as it is needed."""

    def __init__(self, bench: Bench, size: int) -> None:
        self._bench = bench
        self._size = size
        self._stack = ExitStack()

    def __enter__(self) -> _Settled:
        servers, today = self._bench.servers, datetime.now(UTC).date()
        self._bench.say(f"seeding {self._size:,} settled payables")
        name = self._stack.enter_context(servers.database(f"bench_books_{self._size}"))
        add_sealed_history(servers, name, count=self._size, until=today)
        start = datetime.now(UTC) - timedelta(days=31)
        add_transactions(
            servers, name, count=_SETTLED, start=start, debit_percent=0, installments_percent=0, installments=1
        )
        servers.settle_down(name)
        settings = Settings(database_url=servers.url(name), sqs_endpoint_url=servers.sqs.endpoint_url)
        self._core = build_core(settings)
        self._stack.callback(self._core.store.close)
        query = "SELECT array_agg(id ORDER BY id) FROM transactions WHERE status = 'pending_payment'"
        _capture(self._core, servers.value(query, database=name))
        # Else the planner knows of nothing that waits.
        servers.settle_down(name)
        settled = [self._core.settle_payables(due_on=day).count for day in self._core.find_unsettled_dates()]
        if sum(settled) != _SETTLED:
            raise LocalStackError(f"{_SETTLED} payables were due, {settled} were settled")
        servers.settle_down(name)
        # The first one connects, and loads what it reads.
        self.check()
        return self

    def check(self) -> None:
        if discrepancies := self._core.check_books():
            raise LocalStackError(f"the books do not balance: {discrepancies[:3]}")

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def _capture(core: Core, wanted: Sequence[UUID]) -> None:
    for first in range(0, len(wanted), 1_000):
        core.create_payables(wanted[first : first + 1_000])
