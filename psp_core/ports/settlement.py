"""Settlements, and the files that report them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from typing import Any, Protocol
from uuid import UUID

from psp_core.domain.kernel.paging import Page
from psp_core.domain.ledger.journal import Closed, Paid
from psp_core.domain.settlement.explanation import LinesByType, Waiting
from psp_core.domain.settlement.report import (
    Batch,
    PublishedReport,
    ReportedBatch,
    ReportFile,
    ReportFormat,
    ReportLine,
)
from psp_core.domain.settlement.settlements import (
    Due,
    MerchantTotals,
    Settlement,
    SettlementChunk,
    SettlementFilter,
)
from psp_core.domain.settlement.unpaid_dates import Debts


class Settlements(Protocol):
    def due(self, due_on: date, *, merchants: Sequence[str] | None, control_before: datetime) -> Due:
        """Return what is due on the date and not paid yet; controlled is what was created before an instant."""
        ...

    def available(self, due_on: date, *, merchants: Sequence[str] | None, control_before: datetime) -> Due:
        """Return what was paid at once on the date and is in no settlement yet; controlled is as of `due`."""
        ...

    def settled(self, due_on: date) -> list[MerchantTotals]:
        """Return what the date's settlements pay out already."""
        ...

    def gathered(self, due_on: date) -> list[MerchantTotals]:
        """Return what was already available, of the date's settlements."""
        ...

    def known_merchants(self, names: Sequence[str]) -> set[str]:
        """Return those of the names whose merchant has made a transaction."""
        ...

    def unsettled_dates(self, *, until: date) -> list[date]:
        """Return the dates up to and including `until` with something due or an open settlement, oldest first."""
        ...

    def ungathered_dates(self, *, until: date) -> list[date]:
        """Return the dates up to and including `until` with something paid at once that is in no settlement."""
        ...

    def debts(self, due_on: Sequence[date]) -> Debts:
        """Return what each of the dates still owes, oldest first; one that owes nothing is left out."""
        ...

    def settle_chunk(
        self,
        due_on: date,
        *,
        merchants: Sequence[str] | None,
        after: tuple[str, UUID] | None,
        limit: int,
        control_before: datetime,
        now: datetime,
    ) -> SettlementChunk:
        """Pay at most `limit` due payables and their transactions, and add them to open settlements."""
        ...

    def gather_chunk(
        self,
        due_on: date,
        *,
        merchants: Sequence[str] | None,
        after: tuple[str, UUID] | None,
        limit: int,
        control_before: datetime,
        now: datetime,
    ) -> SettlementChunk:
        """Add at most `limit` payables that were paid at once to open settlements; they are paid already."""
        ...

    def close(
        self, due_on: date, *, merchants: Sequence[str] | None, limit: int, today: date, now: datetime
    ) -> list[Closed]:
        """Close at most `limit` open settlements of the date and these merchants.

        Returns one for each, with where its net went or came from; nothing when none is open. Holds the merchants'
        balances from here on.
        """
        ...

    def find(self, customer_id: str, id: UUID) -> Settlement | None: ...

    def page(self, customer_id: str, where: SettlementFilter, page: Page) -> list[Settlement]: ...


class Reserve(Protocol):
    """What was kept back of settlements."""

    def release(self, *, today: date, limit: int, now: datetime) -> list[Paid]:
        """Release what is due by `today` of at most `limit` merchants and currencies, whose balances it holds; return
        how much of each."""
        ...


class SettlementLines(Protocol):
    def batches(self, due_on: date) -> list[ReportedBatch]:
        """Return the date's settlements by merchant; what follows is read from the same snapshot."""
        ...

    def lines(self, batches: list[Batch]) -> Iterator[ReportLine]:
        """Yield the payables of these settlements of one date, batch after batch."""
        ...

    def totals(self, due_on: date, *, merchants: Sequence[str] | None) -> list[MerchantTotals]:
        """Return what the lines of the date's settlements amount to, of each merchant."""
        ...

    def part(self, batch: Batch, *, after: UUID | None, limit: int) -> list[ReportLine]:
        """Return the lines that follow that of the payable `after`, at most `limit`; the first ones for None."""
        ...


class Explanations(Protocol):
    def begin(self) -> None:
        """Let all that is read in this unit of work be of one moment. Comes before anything else."""
        ...

    def lines(self, settlement_ids: Sequence[UUID]) -> list[LinesByType]:
        """Return the sums of the settlements' payables."""
        ...

    def waiting(self, customer_id: str) -> list[Waiting]:
        """Return what the merchant is to get, by due date and currency, the next first."""
        ...


class SettlementReports(Protocol):
    def published(self, due_on: date) -> PublishedReport | None:
        """Return the date's report that counts."""
        ...

    def unreported_dates(self, *, settled_since: datetime, with_open: bool) -> list[date]:
        """Return the dates that have settlements, but no report, or one that lacks settlements, oldest first.

        A report is compared with the settlements made since an instant. Dates with a settlement that is still open
        are left out, unless `with_open`.
        """
        ...

    def publish(self, report: PublishedReport, *, lost: str | None, now: datetime) -> bool:
        """Let this report count, unless a newer one or its like does; tell whether it does now.

        `lost` is an edition whose files are gone, which is replaced in any case.
        """
        ...


class ReportDraft(Protocol):
    """Files in the making; nobody sees them before they are published."""

    def write(self, name: str, lines: Sequence[ReportLine]) -> None:
        """Append lines to the file, in each of its formats; it begins with the first call."""
        ...

    def close(self, name: str) -> None:
        """Let the file have no more lines."""
        ...

    def publish(self, *, folder: str) -> list[ReportFile]:
        """Put every file into the folder, in the order in which they began; all must be closed."""
        ...

    def publish_facts(self, name: str, facts: Mapping[str, Any], *, folder: str) -> ReportFile:
        """Put a file of plain facts into the folder."""
        ...


class ReportEncoder(Protocol):
    """One report in one format, as bytes that follow each other."""

    def write(self, lines: Sequence[ReportLine]) -> bytes:
        """Return what the lines add, maybe nothing; the first call begins the report."""
        ...

    def end(self) -> bytes:
        """Return what ends the report."""
        ...


class ReportEncoders(Protocol):
    def begin(self, format: ReportFormat) -> ReportEncoder: ...


class Reports(Protocol):
    """Where reports lie. Files of one name replace each other as a whole; nothing guards which one is the last."""

    def begin(self) -> AbstractContextManager[ReportDraft]: ...

    def read(self, name: str) -> bytes | None:
        """Return what the published file holds, or None when there is none."""
        ...

    def find(self, name: str, *, folder: str) -> str | None:
        """Return where the CSV file of a draft's `name` was published, or None when it is not there."""
        ...

    def copy(self, name: str, *, to: str) -> None:
        """Put a copy of the published file in another place."""
        ...
