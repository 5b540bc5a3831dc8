"""The settlement report: a line for every payable that was paid or taken back, and those that balance them.

The columns are those of Adyen's settlement details report, as far as they mean something here. In
each batch the payables' net amounts come first and the last lines balance their sums: what was
already available, and where the rest went, or came from. A batch, a merchant's file and the whole
file each add up to zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple
from uuid import UUID

from psp_core.domain.intake.transactions import PaymentMethod
from psp_core.domain.kernel.money import Currency
from psp_core.domain.ledger.waterfall import Poured
from psp_core.domain.payables import PayableType
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

    REFUNDED = "Refunded"
    """A payable that takes back a refund: gross debit, the commission that is returned, net debit."""

    REFUNDED_REVERSED = "RefundedReversed"
    """The mirror of that: the refund failed."""

    ALREADY_AVAILABLE = "AlreadyAvailable"
    """What the batch's payables brought at once: the net debit that balances those by debit card."""

    RECOVERED = "Recovered"
    """What repaid the merchant's debt."""

    DEPOSIT_CORRECTION = "DepositCorrection"
    """What went into the reserve, or came out of it."""

    MERCHANT_PAYOUT = "MerchantPayout"
    """What the batch makes available: the net debit that balances all others."""

    FROM_AVAILABLE = "FromAvailable"
    """What a batch below zero took of what was available."""

    CARRIED = "Carried"
    """What nothing was there for: the merchant owes it."""


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


class ReportedBatch(NamedTuple):
    """A batch with its settlement's totals, and how they were poured; None where nothing says so."""

    batch: Batch
    totals: SettlementTotals
    poured: Poured | None


@dataclass(frozen=True, slots=True)
class ReportLine:
    """One line; amounts in minor units. Those that balance a batch have no transaction."""

    batch: Batch
    type: LineType
    transaction_id: UUID | None = None
    payable_id: UUID | None = None
    reference: str | None = None
    payment_method: str | None = None
    created_at: datetime | None = None
    installment: int | None = None
    gross_debit_minor: int | None = None
    gross_credit_minor: int | None = None
    commission_minor: int | None = None
    net_debit_minor: int | None = None
    net_credit_minor: int | None = None


LINES_OF_PAYABLES: Mapping[PayableType, LineType] = MappingProxyType(
    {
        PayableType.CREDIT: LineType.SETTLED,
        PayableType.REFUND: LineType.REFUNDED,
        PayableType.REFUND_REVERSAL: LineType.REFUNDED_REVERSED,
    }
)
"""How a payable of each type is called in a report."""


def totals_of(line: ReportLine) -> SettlementTotals:
    """Return a payable's line as totals of one payable; what is taken back is below zero."""
    totals = Totals(
        1,
        (line.gross_credit_minor or 0) - (line.gross_debit_minor or 0),
        line.commission_minor or 0,
        (line.net_credit_minor or 0) - (line.net_debit_minor or 0),
    )
    if line.type is LineType.SETTLED and line.payment_method == PaymentMethod.DEBIT_CARD:
        return SettlementTotals(available=totals)
    return SettlementTotals(paid_out=totals)


def closing_lines(batch: Batch, *, totals: SettlementTotals, poured: Poured | None) -> list[ReportLine]:
    """Return the lines that end the batch and balance it. One that is not poured yet is to be paid out."""
    lines: list[ReportLine] = []
    if totals.available.count:
        lines.append(ReportLine(batch, LineType.ALREADY_AVAILABLE, net_debit_minor=totals.available.net_minor))
    if totals.paid_out.count:
        went = poured or Poured(to_available_minor=totals.paid_out.net_minor)
        lines += [
            ReportLine(batch, type, net_credit_minor=-minor)
            if minor < 0
            else ReportLine(batch, type, net_debit_minor=minor)
            for type, minor in ends_of(went)
        ]
    return lines


def ends_of(poured: Poured) -> list[tuple[LineType, int]]:
    """Return where a net went, by the lines that say so; what it came from is below zero."""
    ends = {
        LineType.RECOVERED: poured.recovered_minor,
        LineType.DEPOSIT_CORRECTION: poured.reserve_withheld_minor - poured.from_reserve_minor,
        LineType.FROM_AVAILABLE: -poured.from_available_minor,
        LineType.CARRIED: -poured.carried_minor,
        LineType.MERCHANT_PAYOUT: poured.to_available_minor,
    }
    found = [(type, minor) for type, minor in ends.items() if minor]
    return found or [(LineType.MERCHANT_PAYOUT, 0)]


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
