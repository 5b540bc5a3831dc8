"""Write-offs: debt that is given up, by one person who asks and another one who releases it."""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from psp_core.domain.kernel.money import Money
from psp_core.domain.ledger.accounts import Account
from psp_core.domain.ledger.entries import Entry, EntryKind, Sheet


class WriteOff(NamedTuple):
    """Debt that is to be given up. `released_by` is somebody else than `requested_by`; None until then."""

    id: UUID
    customer_id: str
    amount: Money
    reason: str
    requested_by: str
    requested_at: datetime
    released_by: str | None = None
    released_at: datetime | None = None
    entry_id: UUID | None = None


def write_off_entry(write_off: WriteOff, *, id: UUID, today: date, now: datetime) -> Entry:
    """Return what a write-off posts: the platform bears what the merchant owed."""
    sheet = Sheet()
    sheet.debit(Account.WRITE_OFF, write_off.amount.minor)
    sheet.credit(Account.MERCHANT_RECEIVABLE, write_off.amount.minor, customer_id=write_off.customer_id)
    return Entry(id, EntryKind.WRITE_OFF, write_off.amount.currency, today, now, str(write_off.id), sheet.postings)
