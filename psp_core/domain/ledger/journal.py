"""The journal: which postings each event makes. The table is in docs/money.md, with examples to the cent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from psp_core.domain.kernel.money import Currency
from psp_core.domain.ledger.accounts import Account
from psp_core.domain.ledger.entries import Entry, EntryKind, Sheet


@dataclass(frozen=True, slots=True)
class Captured:
    """What so many new payables of an entry give a merchant, in minor units. `is_paid`: born paid, as by debit card."""

    entry_id: UUID
    customer_id: str
    is_paid: bool
    count: int
    fee_minor: int
    net_minor: int


@dataclass(frozen=True, slots=True)
class Paid:
    """What a commit of a settlement moves for one merchant, in minor units; `entry_id` is the entry that says so."""

    entry_id: UUID
    customer_id: str
    currency: Currency
    net_minor: int


@dataclass(frozen=True, slots=True)
class Existing:
    """What payables without an entry amount to, by the day on which they were made."""

    made_on: date
    customer_id: str
    currency: Currency
    is_available: bool
    """Paid already: by debit card, or by a settlement of before there was a ledger."""
    fee_minor: int
    net_minor: int


def capture_entries(
    days: Mapping[tuple[Currency, date], UUID], captured: Iterable[Captured], *, now: datetime
) -> list[Entry]:
    """Return an entry for each currency and business date of which payables were really made; `days` has the ids."""
    sheets: dict[UUID, Sheet] = {}
    for item in captured:
        sheet = sheets.setdefault(item.entry_id, Sheet())
        _capture(sheet, item.customer_id, is_paid=item.is_paid, fee_minor=item.fee_minor, net_minor=item.net_minor)
    return [
        Entry(entry_id, EntryKind.CAPTURE, currency, day, now, None, sheets[entry_id].postings)
        for (currency, day), entry_id in days.items()
        if entry_id in sheets and sheets[entry_id].postings
    ]


def settle_entries(paid: Iterable[Paid], *, due_on: date, today: date, now: datetime) -> list[Entry]:
    """Return what a chunk of a settlement posts: what was pending is settling."""
    return _moves(
        paid,
        kind=EntryKind.SETTLE,
        accounts=(Account.MERCHANT_PENDING, Account.MERCHANT_SETTLING),
        source=lambda _: due_on.isoformat(),
        today=today,
        now=now,
    )


def close_entries(paid: Iterable[Paid], *, due_on: date, today: date, now: datetime) -> list[Entry]:
    """Return what closing settlements posts: what was settling is available."""
    return _moves(
        paid,
        kind=EntryKind.CLOSE,
        accounts=(Account.MERCHANT_SETTLING, Account.MERCHANT_AVAILABLE),
        source=lambda entry_id: f"{due_on.isoformat()}/{entry_id}",
        today=today,
        now=now,
    )


def opening_entries(
    days: Mapping[tuple[Currency, date], UUID], existing: Iterable[Existing], *, source: str, now: datetime
) -> list[Entry]:
    """Return the entries that book what existed, one for each currency and day; `days` has the ids."""
    sheets: dict[tuple[Currency, date], Sheet] = {}
    for item in existing:
        sheet = sheets.setdefault((item.currency, item.made_on), Sheet())
        _capture(sheet, item.customer_id, is_paid=item.is_available, fee_minor=item.fee_minor, net_minor=item.net_minor)
    return [
        Entry(days[currency, day], EntryKind.OPENING, currency, day, now, f"{source}/{day}", sheet.postings)
        for (currency, day), sheet in sheets.items()
        if sheet.postings
    ]


def _capture(sheet: Sheet, customer_id: str, *, is_paid: bool, fee_minor: int, net_minor: int) -> None:
    account = Account.MERCHANT_AVAILABLE if is_paid else Account.MERCHANT_PENDING
    sheet.debit(Account.ACQUIRER_RECEIVABLE, net_minor + fee_minor)
    sheet.credit(Account.FEE_REVENUE, fee_minor)
    sheet.credit(account, net_minor, customer_id=customer_id)


def _moves(
    paid: Iterable[Paid],
    *,
    kind: EntryKind,
    accounts: tuple[Account, Account],
    source: Callable[[UUID], str],
    today: date,
    now: datetime,
) -> list[Entry]:
    origin, target = accounts
    sheets: dict[tuple[UUID, Currency], Sheet] = {}
    for item in paid:
        sheet = sheets.setdefault((item.entry_id, item.currency), Sheet())
        sheet.debit(origin, item.net_minor, customer_id=item.customer_id)
        sheet.credit(target, item.net_minor, customer_id=item.customer_id)
    return [
        Entry(entry_id, kind, currency, today, now, source(entry_id), sheet.postings)
        for (entry_id, currency), sheet in sheets.items()
        if sheet.postings
    ]
