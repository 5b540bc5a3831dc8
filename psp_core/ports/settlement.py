"""Settlements, and the files that report them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from typing import Any, Protocol
from uuid import UUID

from psp_core.domain.kernel.paging import Page
from psp_core.domain.ledger.journal import Paid
from psp_core.domain.settlement.report import Batch, PublishedReport, ReportFile, ReportLine
from psp_core.domain.settlement.settlements import (
    Due,
    MerchantTotals,
    Settlement,
    SettlementChunk,
    SettlementFilter,
    Totals,
)


class Settlements(Protocol):
    def due(self, due_on: date, *, merchants: Sequence[str] | None, control_before: datetime) -> Due:
        """Return what is due on the date and not paid yet; controlled is what was created before an instant."""
        ...

    def settled(self, due_on: date) -> list[MerchantTotals]:
        """Return what the date's settlements hold already."""
        ...

    def known_merchants(self, names: Sequence[str]) -> set[str]:
        """Return those of the names whose merchant has made a transaction."""
        ...

    def unsettled_dates(self, *, until: date) -> list[date]:
        """Return the dates up to and including `until` with something due or an open settlement, oldest first."""
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

    def close(self, due_on: date, *, limit: int, now: datetime) -> list[Paid]:
        """Close at most `limit` open settlements of the date; return what becomes available, nothing when none is."""
        ...

    def find(self, customer_id: str, id: UUID) -> Settlement | None: ...

    def page(self, customer_id: str, where: SettlementFilter, page: Page) -> list[Settlement]: ...


class SettlementLines(Protocol):
    def batches(self, due_on: date) -> list[tuple[Batch, Totals]]:
        """Return the date's settlements by merchant; what follows is read from the same snapshot."""
        ...

    def lines(self, batches: list[Batch]) -> Iterator[ReportLine]:
        """Yield the payables that these settlements of one date paid, batch after batch."""
        ...


class SettlementReports(Protocol):
    def published(self, due_on: date) -> PublishedReport | None:
        """Return the date's report that counts."""
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


class Reports(Protocol):
    """Where reports lie. Files of one name replace each other as a whole; nothing guards which one is the last."""

    def begin(self) -> AbstractContextManager[ReportDraft]: ...

    def read(self, name: str) -> bytes | None:
        """Return what the published file holds, or None when there is none."""
        ...

    def copy(self, name: str, *, to: str) -> None:
        """Put a copy of the published file in another place."""
        ...
