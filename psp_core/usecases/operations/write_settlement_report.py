"""Write a due date's settlement report: a file for each merchant and one for all, which balance."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from itertools import groupby, islice
from typing import Any

from psp_core.domain.errors import BooksDoNotBalance, Discrepancy
from psp_core.domain.money import Currency
from psp_core.domain.settlement import MerchantTotals, Totals, totals_by_currency
from psp_core.domain.settlement_report import Batch, ReportFile, ReportLine, payout_of, totals_of
from psp_core.ports import ReportDraft, Reports, Store

ALL = "all"
MANIFEST = "manifest"
FORMATS = 2
"""Every file is there as CSV and as Parquet."""

LINES_PER_WRITE = 5_000


@dataclass(frozen=True, slots=True)
class WrittenReport:
    """What was written for a due date. `manifest` names every file, with its checksum."""

    due_on: date
    lines: int
    totals: dict[Currency, Totals]
    merchants: int
    whole: Sequence[ReportFile]
    manifest: ReportFile


@dataclass(frozen=True, slots=True)
class WriteSettlementReport:
    store: Store
    reports: Reports

    def __call__(self, *, due_on: date, on_progress: Callable[[int, int], None] = lambda *_: None) -> WrittenReport:
        """Write and return the report of what is settled for `due_on` now. Safe to repeat: it replaces the older one.

        Raises BooksDoNotBalance when the lines are not what the settlements' totals say; then the
        older report is the one that stays.
        """
        with self.store.begin() as work, self.reports.begin(folder=f"settlement/{due_on}") as draft:
            batches = work.settlement_lines.batches(due_on)
            draft.write(ALL, [])
            written = _Written(draft, sum(totals.count for _, totals in batches), on_progress)
            written.take(work.settlement_lines.lines([batch for batch, _ in batches]))
            written.compare(dict(batches))
            files = draft.publish()
            totals = totals_by_currency(
                MerchantTotals(batch.customer_id, batch.currency, totals) for batch, totals in batches
            )
            manifest = draft.publish_facts(MANIFEST, _manifest(due_on, files, totals))
        merchants = len({batch.customer_id for batch, _ in batches})
        return WrittenReport(due_on, written.lines, totals, merchants, files[:FORMATS], manifest)


class _Written:
    """Writes lines as they come and adds them up, batch by batch."""

    def __init__(self, draft: ReportDraft, expected: int, on_progress: Callable[[int, int], None]) -> None:
        self.lines = 0
        self._sums: dict[Batch, Totals] = {}
        self._draft = draft
        self._expected = expected
        self._on_progress = on_progress

    def take(self, lines: Iterable[ReportLine]) -> None:
        for customer_id, of_merchant in groupby(lines, key=lambda line: line.batch.customer_id):
            name = f"merchants/{customer_id}"
            for batch, of_batch in groupby(of_merchant, key=lambda line: line.batch):
                self._batch(batch, of_batch, names=(name, ALL))
            self._draft.close(name)
        self._draft.close(ALL)

    def compare(self, expected: dict[Batch, Totals]) -> None:
        wrong = [batch for batch in expected.keys() | self._sums if expected.get(batch) != self._sums.get(batch)]
        if wrong:
            raise BooksDoNotBalance(
                [
                    Discrepancy(
                        "report_balances",
                        str(batch.settlement_id),
                        f"{expected.get(batch)}, lines {self._sums.get(batch)}",
                    )
                    for batch in wrong
                ]
            )

    def _batch(self, batch: Batch, lines: Iterator[ReportLine], *, names: Sequence[str]) -> None:
        sums = Totals()
        while part := list(islice(lines, LINES_PER_WRITE)):
            sums = sum((totals_of(line) for line in part), sums)
            self._write(part, names)
            self.lines += len(part)
            self._on_progress(self.lines, self._expected)
        self._sums[batch] = sums
        self._write([payout_of(batch, totals=sums)], names)

    def _write(self, lines: Sequence[ReportLine], names: Sequence[str]) -> None:
        for name in names:
            self._draft.write(name, lines)


def _manifest(due_on: date, files: Sequence[ReportFile], totals: dict[Currency, Totals]) -> dict[str, Any]:
    return {
        "due_on": due_on.isoformat(),
        "control_totals": {currency.value: asdict(sums) for currency, sums in totals.items()},
        "files": [{"name": file.name, "sha256": file.sha256, "bytes": file.size_bytes} for file in files],
    }
