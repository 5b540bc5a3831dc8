"""Entries and their postings: what the ledger holds, and the one rule that nothing gets around, debits are credits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from psp_core.domain.kernel.money import Currency
from psp_core.domain.ledger.accounts import Account, Side


class EntryKind(StrEnum):
    """What happened."""

    CAPTURE = "capture"
    """Payables were made; each names its entry."""
    SETTLE = "settle"
    """A commit of a settlement paid payables; the source is their due date."""
    CLOSE = "close"
    """Settlements of a due date were closed; each names its entry."""
    OPENING = "opening"
    """What existed before there was a ledger; the source is the range of payables."""
    REVERSAL = "reversal"
    """The mirror of an entry that was wrong, which it names; the source is why."""
    CORRECTION = "correction"
    """What the reversed entry should have said; the source names the reversal."""
    REFUND = "refund"
    """Money was given back to a cardholder; the source is the refund."""
    REFUND_REVERSAL = "refund_reversal"
    """That refund failed; the source is the refund."""
    RESERVE_RELEASE = "reserve_release"
    """What was kept back for a time is the merchant's; the source begins with the day."""
    WRITE_OFF = "write_off"
    """Debt was given up; the source is the write-off."""
    RECOVERY = "recovery"
    """What a commit made available repaid debt, in that commit."""


class Posting(NamedTuple):
    """An amount above zero, in minor units, on one side of an account; `customer_id` is None for the platform's own."""

    account: Account
    customer_id: str | None
    side: Side
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One commit's postings of a kind, currency and business date.

    `effective_on` is the business date, in the platform's time zone: at the earliest the day after the last closed one,
    which the database sees to. `recorded_at` is when it was written. Raises ValueError unless debits are credits.
    """

    id: UUID
    kind: EntryKind
    currency: Currency
    effective_on: date
    recorded_at: datetime
    source: str | None
    postings: Sequence[Posting]
    reverses_id: UUID | None = None

    def __post_init__(self) -> None:
        sums = {side: sum(each.amount_minor for each in self.postings if each.side is side) for side in Side}
        if len(self.postings) < 2 or sums[Side.DEBIT] != sums[Side.CREDIT]:
            raise ValueError(f"the {self.kind} entry {self.id} does not balance: {sums}")
        for posting in self.postings:
            if posting.amount_minor <= 0 or (posting.customer_id is not None) != posting.account.is_merchants:
                raise ValueError(f"the {self.kind} entry {self.id} has an impossible posting on {posting.account}")


def mirrored(postings: Iterable[Posting]) -> list[Posting]:
    """Return the postings on their other sides: both together change nothing."""
    return [posting._replace(side=posting.side.other) for posting in postings]


class Sheet:
    """Collects amounts, so that an entry has one posting for each merchant and account."""

    def __init__(self) -> None:
        self._credits: defaultdict[tuple[Account, str | None], int] = defaultdict(int)

    def debit(self, account: Account, amount_minor: int, *, customer_id: str | None = None) -> None:
        """Add to the debits of the account; below zero it is a credit."""
        self._credits[account, customer_id] -= amount_minor

    def credit(self, account: Account, amount_minor: int, *, customer_id: str | None = None) -> None:
        """Add to the credits of the account; below zero it is a debit."""
        self._credits[account, customer_id] += amount_minor

    @property
    def postings(self) -> list[Posting]:
        """Return what is not zero, in the order in which it came."""
        return [
            Posting(account, customer_id, Side.CREDIT if credit > 0 else Side.DEBIT, abs(credit))
            for (account, customer_id), credit in self._credits.items()
            if credit
        ]


Changes = Mapping[tuple[str, Currency], Mapping[Account, int]]


def changes_of_balances(entries: Iterable[Entry]) -> Changes:
    """Return by how many minor units each stored balance grows, one sum for each merchant, currency and account."""
    changes: dict[tuple[str, Currency], dict[Account, int]] = {}
    for entry in entries:
        for account, customer_id, side, amount in entry.postings:
            if customer_id is not None:
                row = changes.setdefault((customer_id, entry.currency), {})
                row[account] = row.get(account, 0) + (amount if side is account.side else -amount)
    return changes
