"""The settlement report: a line for every payable that was paid, and those that balance them.

The columns are those of Adyen's settlement details report, as far as they mean something here. In
each batch the credits are the payables' net amounts and the last lines are debits of their sums:
what was already available, and the payout. A batch, a merchant's file and the whole file each add
up to zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from psp_core.domain.intake.transactions import PaymentMethod
from psp_core.domain.kernel.money import Currency
from psp_core.domain.settlement.settlements import Settlement, SettlementTotals, Totals

REPORT_FORMAT = 2
"""Raised with whatever changes in a report of the same settlements: then unchanged dates are written anew, too."""


class ReportFormat(StrEnum):
    CSV = "csv"
    """For people and their spreadsheets."""

    PARQUET = "parquet"
    """For machines."""


class LineType(StrEnum):
    SETTLED = "Settled"
    """A payable that was paid: gross amount, commission, net credit."""

    ALREADY_AVAILABLE = "AlreadyAvailable"
    """What the batch's payables brought at once: the net debit that balances those by debit card."""

    MERCHANT_PAYOUT = "MerchantPayout"
    """What the batch pays out: the net debit that balances all others."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A settlement: the lines of one batch belong together and end with those that balance them."""

    settlement_id: UUID
    customer_id: str
    currency: Currency
    due_on: date
    sequence: int

    @classmethod
    def of(cls, settlement: Settlement) -> Batch:
        """Return the settlement as a batch of lines."""
        return cls(settlement.id, settlement.customer_id, settlement.currency, settlement.due_on, settlement.sequence)


@dataclass(frozen=True, slots=True)
class ReportLine:
    """One line; amounts in minor units. A payout has no transaction."""

    batch: Batch
    type: LineType
    transaction_id: UUID | None = None
    payable_id: UUID | None = None
    reference: str | None = None
    payment_method: str | None = None
    created_at: datetime | None = None
    installment: int | None = None
    gross_credit_minor: int | None = None
    commission_minor: int | None = None
    net_debit_minor: int | None = None
    net_credit_minor: int | None = None


def totals_of(line: ReportLine) -> SettlementTotals:
    """Return a settled line as totals of one payable."""
    totals = Totals(1, line.gross_credit_minor or 0, line.commission_minor or 0, line.net_credit_minor or 0)
    if line.payment_method == PaymentMethod.DEBIT_CARD:
        return SettlementTotals(available=totals)
    return SettlementTotals(paid_out=totals)


def closing_lines(batch: Batch, *, totals: SettlementTotals) -> list[ReportLine]:
    """Return the lines that end the batch and balance it: one for each kind of payables that it has."""
    sums = {LineType.ALREADY_AVAILABLE: totals.available, LineType.MERCHANT_PAYOUT: totals.paid_out}
    return [ReportLine(batch, type, net_debit_minor=kind.net_minor) for type, kind in sums.items() if kind.count]


@dataclass(frozen=True, slots=True)
class ReportFile:
    """A file in its final place."""

    name: str
    url: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class PublishedReport:
    """The edition of a date's report that counts: `files` are the whole ones, and last its manifest.

    Its version is how many payables it holds. A date's settlements only ever gain some, so of two editions
    the one that holds more is the newer, whoever wrote it and when.
    """

    due_on: date
    version: int
    format: int
    edition: str
    files: Sequence[ReportFile]

    def replaces(self, other: PublishedReport | None) -> bool:
        """Tell whether this one is newer than the one that is published, if any."""
        return other is None or (self.version, self.format) > (other.version, other.format)
