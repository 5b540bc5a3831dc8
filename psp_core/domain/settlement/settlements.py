"""Settlement: due payables become paid, in settlements that a merchant can reconcile."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from psp_core.domain.kernel.money import Currency
from psp_core.domain.ledger.journal import Paid
from psp_core.domain.ledger.waterfall import Poured


@dataclass(frozen=True, slots=True)
class Totals:
    """A count of payables and their sums in minor units; `gross_minor` is fee plus net."""

    count: int = 0
    gross_minor: int = 0
    fee_minor: int = 0
    net_minor: int = 0

    def __add__(self, other: Totals) -> Totals:
        return Totals(
            self.count + other.count,
            self.gross_minor + other.gross_minor,
            self.fee_minor + other.fee_minor,
            self.net_minor + other.net_minor,
        )

    def __neg__(self) -> Totals:
        return Totals(-self.count, -self.gross_minor, -self.fee_minor, -self.net_minor)


@dataclass(frozen=True, slots=True)
class SettlementTotals:
    """What a settlement holds: what it pays out, and apart from that what was already available."""

    paid_out: Totals = Totals()
    available: Totals = Totals()
    """Paid at once, by debit card: gathered when the day is over, and never paid out again."""

    @property
    def count(self) -> int:
        """All of its payables."""
        return self.paid_out.count + self.available.count

    def __add__(self, other: SettlementTotals) -> SettlementTotals:
        return SettlementTotals(self.paid_out + other.paid_out, self.available + other.available)


@dataclass(frozen=True, slots=True)
class MerchantTotals:
    """What one merchant is paid in one currency."""

    customer_id: str
    currency: Currency
    totals: Totals


class SettlementStatus(StrEnum):
    OPEN = "open"
    """A run is adding payables to it, or was killed while it did; the next run goes on."""

    CLOSED = "closed"
    """Immutable: late payables go into the next sequence."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """A settlement: what a merchant was paid for one due date in one currency.

    `totals` is what it pays out; what was `available` already is no part of that.
    """

    id: UUID
    customer_id: str
    currency: Currency
    due_on: date
    sequence: int
    status: SettlementStatus
    totals: Totals
    available: Totals
    created_at: datetime
    closed_at: datetime | None
    poured: Poured | None
    """Where what it pays out went, or came from where that is negative; None while it is open."""


@dataclass(frozen=True, slots=True)
class SettlementOutcome:
    """What one call of the settlement did for a due date, and what the date holds afterwards."""

    due_on: date
    settled: list[MerchantTotals] = field(default_factory=list)
    existing: list[MerchantTotals] = field(default_factory=list)
    available: list[MerchantTotals] = field(default_factory=list)
    """What was already available, and this call gathered; no part of `settled`."""
    available_before: list[MerchantTotals] = field(default_factory=list)
    """What earlier calls gathered; no part of `existing`."""
    dry_run: bool = False
    is_forecast: bool = False
    """A dry run of a date to come: more may fall due on it until then."""

    @property
    def count(self) -> int:
        """The payables of this call, of all currencies."""
        return sum(item.totals.count for item in self.settled)

    def by_currency(self) -> dict[Currency, Totals]:
        """Return what was settled in this call, summed by currency."""
        return totals_by_currency(self.settled)


def totals_by_currency(merchants: Iterable[MerchantTotals]) -> dict[Currency, Totals]:
    """Sum the merchants' totals by currency; amounts of two currencies are never added."""
    sums: dict[Currency, Totals] = {}
    for merchant in merchants:
        sums[merchant.currency] = sums.get(merchant.currency, Totals()) + merchant.totals
    return sums


def merge_merchants(parts: Iterable[MerchantTotals]) -> list[MerchantTotals]:
    """Add up parts of the same merchant and currency, largest net first."""
    sums: dict[tuple[str, Currency], Totals] = {}
    for part in parts:
        key = (part.customer_id, part.currency)
        sums[key] = sums.get(key, Totals()) + part.totals
    merged = [MerchantTotals(customer, currency, totals) for (customer, currency), totals in sums.items()]
    return sorted(merged, key=lambda item: (-item.totals.net_minor, item.customer_id, item.currency))


@dataclass(frozen=True, slots=True)
class Due:
    """What a date still has to pay, or to gather."""

    all: list[MerchantTotals]
    controlled: list[MerchantTotals]
    """The part of `all` that the control total counts."""


@dataclass(frozen=True, slots=True)
class SettlementChunk:
    """What one commit of a settlement paid or gathered, and where the next one goes on."""

    paid: list[MerchantTotals]
    controlled: list[MerchantTotals]
    """The part of `paid` that the control total, taken before the run, had counted."""

    moved: list[Paid]
    """What the ledger is to post of it."""

    position: tuple[str, UUID] | None
    """Customer and payable id of the last row taken; None when there was nothing left."""


@dataclass(frozen=True, slots=True)
class SettlementFilter:
    """None means any; `due_from` is inclusive and `due_before` exclusive."""

    status: SettlementStatus | None = None
    due_on: date | None = None
    due_from: date | None = None
    due_before: date | None = None
