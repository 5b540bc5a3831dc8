"""A merchant's balance, and entries as they are looked at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from psp_core.domain.kernel.money import Currency
from psp_core.domain.ledger.entries import Entry


@dataclass(frozen=True, slots=True)
class Balance:
    """What a merchant has in one currency, in minor units."""

    currency: Currency
    pending_minor: int = 0
    settling_minor: int = 0
    available_minor: int = 0
    reserve_minor: int = 0
    in_transit_minor: int = 0
    debt_minor: int = 0


@dataclass(frozen=True, slots=True)
class Debt:
    """What a merchant owes in one currency, in minor units; `since` is when it began to owe, without a break."""

    customer_id: str
    currency: Currency
    debt_minor: int
    since: date

    def age_days(self, today: date) -> int:
        return (today - self.since).days


@dataclass(frozen=True, slots=True)
class EntryView:
    """An entry, which one reversed it, and how many payables name it."""

    entry: Entry
    reversed_by: UUID | None
    payables: int
