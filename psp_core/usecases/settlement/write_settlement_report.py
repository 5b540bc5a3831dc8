"""Write a due date's settlement report: a file for each merchant and one for all, which balance.

Each edition lies in a folder of its own, `DATE/EDITION`, which nobody writes to again: a writer that was stopped
half-way can go on and spoils nothing. Which edition counts is decided by one commit, by its version, while the date
is held.
`DATE/manifest.json` is a copy of that edition's manifest, and names its folder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from itertools import groupby, islice
from typing import Any
from uuid import uuid4

from psp_core.domain.kernel.errors import BooksDoNotBalance, Discrepancy, SettlementInProgress
from psp_core.domain.kernel.money import Currency
from psp_core.domain.settlement.report import (
    REPORT_FORMAT,
    Batch,
    PublishedReport,
    ReportedBatch,
    ReportFile,
    ReportLine,
    closing_lines,
    totals_of,
)
from psp_core.domain.settlement.settlements import MerchantTotals, SettlementTotals, Totals, totals_by_currency
from psp_core.ports.kernel import Clock
from psp_core.ports.settlement import ReportDraft, Reports
from psp_core.ports.store import Store

ALL = "all"
MANIFEST = "manifest"
FORMATS = 2
"""Every file is there as CSV and as Parquet."""

LINES_PER_WRITE = 5_000


@dataclass(frozen=True, slots=True)
class WrittenReport:
    """What was written for a due date. `manifest` names every file, with its checksum.

    `unchanged` says that what is published held all of it already, and nothing was written again.
    """

    due_on: date
    lines: int
    totals: dict[Currency, Totals]
    available: dict[Currency, Totals]
    """What was already available; no part of `totals`, which is paid out."""
    merchants: int
    whole: Sequence[ReportFile]
    manifest: ReportFile
    unchanged: bool


@dataclass(frozen=True, slots=True)
class WriteSettlementReport:
    store: Store
    reports: Reports
    clock: Clock

    def __call__(self, *, due_on: date, on_progress: Callable[[int, int], None] = lambda *_: None) -> WrittenReport:
        """Write and return the report of what is settled for `due_on` now. Safe to repeat: it replaces an older one.

        Raises BooksDoNotBalance when the lines are not what the settlements' totals say; then the
        older report is the one that stays. Raises SettlementInProgress while another run has the date.
        """
        with self.reports.begin() as draft:
            with self.store.begin() as work:
                batches = work.settlement_lines.batches(due_on)
                draft.write(ALL, [])
                written = _Written(draft, batches, on_progress)
                written.take(work.settlement_lines.lines([each.batch for each in batches]))
                written.compare()
            paid_out = _sums((each.batch, each.totals.paid_out) for each in batches)
            available = _sums((each.batch, each.totals.available) for each in batches)
            facts = {"control_totals": _facts(paid_out), "already_available": _facts(available)}
            is_new = self._publish(draft, due_on=due_on, version=written.lines, facts=facts)
        published = self._point(due_on)
        merchants = len({each.batch.customer_id for each in batches})
        *whole, manifest = published.files
        return WrittenReport(
            due_on, written.lines, paid_out, available, merchants, whole, manifest, unchanged=not is_new
        )

    def published(self, *, due_on: date) -> PublishedReport | None:
        """Return the edition that counts, if its files are there."""
        with self.store.begin() as work:
            published = work.settlement_reports.published(due_on)
        return None if published is None or self._is_lost(published) else published

    def _publish(self, draft: ReportDraft, *, due_on: date, version: int, facts: dict[str, Any]) -> bool:
        """Publish the draft unless what is published holds as much; tell whether it was."""
        with self.store.begin() as work:
            published = work.settlement_reports.published(due_on)
        lost = published.edition if published and self._is_lost(published) else None
        # No second writer ever has the same folder.
        edition = f"{version}-{uuid4().hex[:8]}"
        report = PublishedReport(due_on, version, REPORT_FORMAT, edition, [])
        if not report.replaces(None if lost else published):
            return False
        folder = f"{_folder(due_on)}/{edition}"
        files = draft.publish(folder=folder)
        manifest = draft.publish_facts(MANIFEST, _manifest(due_on, edition, files, facts), folder=folder)
        report = replace(report, files=[*files[:FORMATS], manifest])
        with self.store.hold_due_date(due_on) as hold:
            if not hold:
                raise SettlementInProgress(due_on, holder=hold.holder)
            with self.store.begin() as work:
                work.leases.require(hold)
                return work.settlement_reports.publish(report, lost=lost, now=self.clock.now())

    def _is_lost(self, published: PublishedReport) -> bool:
        return self.reports.read(_manifest_in(edition_folder(published))) is None

    def _point(self, due_on: date) -> PublishedReport:
        """Let the date's manifest be that of the edition that counts, which is returned."""
        counts: PublishedReport | None = None
        while True:
            with self.store.begin() as work:
                published = work.settlement_reports.published(due_on)
            if published is None:
                raise LookupError(f"the report of {due_on} was published, and is gone")
            if counts is not None and published.edition == counts.edition:
                return published
            # A writer that was stopped in here may put an older manifest down after a newer one; then it looks again.
            counts = published
            source, target = (_manifest_in(edition_folder(counts)), _manifest_in(_folder(due_on)))
            if self.reports.read(source) != self.reports.read(target):
                self.reports.copy(source, to=target)


class _Written:
    """Writes lines as they come and adds them up, batch by batch."""

    def __init__(
        self, draft: ReportDraft, batches: Sequence[ReportedBatch], on_progress: Callable[[int, int], None]
    ) -> None:
        self.lines = 0
        self._sums: dict[Batch, SettlementTotals] = {}
        self._draft = draft
        self._expected = {each.batch: each.totals for each in batches}
        self._poured = {each.batch: each.poured for each in batches}
        self._lines_expected = sum(each.totals.count for each in batches)
        self._on_progress = on_progress

    def take(self, lines: Iterable[ReportLine]) -> None:
        for customer_id, of_merchant in groupby(lines, key=lambda line: line.batch.customer_id):
            name = file_of(customer_id)
            for batch, of_batch in groupby(of_merchant, key=lambda line: line.batch):
                self._batch(batch, of_batch, names=(name, ALL))
            self._draft.close(name)
        self._draft.close(ALL)

    def compare(self) -> None:
        expected = self._expected
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
        sums = SettlementTotals()
        while part := list(islice(lines, LINES_PER_WRITE)):
            sums = sum((totals_of(line) for line in part), sums)
            self._write(part, names)
            self.lines += len(part)
            self._on_progress(self.lines, self._lines_expected)
        self._sums[batch] = sums
        self._write(closing_lines(batch, totals=sums, poured=self._poured.get(batch)), names)

    def _write(self, lines: Sequence[ReportLine], names: Sequence[str]) -> None:
        for name in names:
            self._draft.write(name, lines)


def edition_folder(published: PublishedReport) -> str:
    """Return the folder of the edition's files."""
    return f"{_folder(published.due_on)}/{published.edition}"


def file_of(customer_id: str) -> str:
    """Return the name of the merchant's file in an edition."""
    return f"merchants/{customer_id}"


def _folder(due_on: date) -> str:
    return f"settlement/{due_on}"


def _manifest_in(folder: str) -> str:
    return f"{folder}/{MANIFEST}.json"


def _sums(batches: Iterable[tuple[Batch, Totals]]) -> dict[Currency, Totals]:
    return totals_by_currency(
        MerchantTotals(batch.customer_id, batch.currency, totals) for batch, totals in batches if totals.count
    )


def _facts(totals: dict[Currency, Totals]) -> dict[str, Any]:
    return {currency.value: asdict(sums) for currency, sums in totals.items()}


def _manifest(due_on: date, edition: str, files: Sequence[ReportFile], facts: dict[str, Any]) -> dict[str, Any]:
    return {
        "due_on": due_on.isoformat(),
        "folder": edition,
        **facts,
        "files": [{"name": file.name, "sha256": file.sha256, "bytes": file.size_bytes} for file in files],
    }
