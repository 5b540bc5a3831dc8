"""The journal: which postings each event makes. The table is in docs/money.md, with examples to the cent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from psp_core.domain.kernel.money import Currency
from psp_core.domain.ledger.accounts import Account
from psp_core.domain.ledger.entries import Entry, EntryKind, Posting, Sheet, mirrored
from psp_core.domain.ledger.waterfall import Poured


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
    """What a commit of a settlement, or of a release, moves for one merchant, in minor units; `entry_id` is the entry
    that says so."""

    entry_id: UUID
    customer_id: str
    currency: Currency
    net_minor: int


@dataclass(frozen=True, slots=True)
class Closed:
    """How a settlement's net was poured when it closed; `entry_id` is the entry that says so."""

    entry_id: UUID
    customer_id: str
    currency: Currency
    poured: Poured


@dataclass(frozen=True, slots=True)
class Refunded:
    """What a refund takes from a merchant, in minor units: the amount without the fee that is returned."""

    entry_id: UUID
    refund_id: UUID
    customer_id: str
    currency: Currency
    amount_minor: int
    fee_returned_minor: int


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
    sheets = _moved(paid, out_of=Account.MERCHANT_PENDING, into=Account.MERCHANT_SETTLING)
    return [
        Entry(entry_id, EntryKind.SETTLE, currency, today, now, due_on.isoformat(), sheet.postings)
        for (entry_id, currency), sheet in sheets.items()
        if sheet.postings
    ]


def close_entries(closed: Iterable[Closed], *, due_on: date, today: date, now: datetime) -> list[Entry]:
    """Return what closing settlements posts: what was settling is poured."""
    sheets: dict[tuple[UUID, Currency], Sheet] = {}
    for item in closed:
        sheet, poured = sheets.setdefault((item.entry_id, item.currency), Sheet()), item.poured
        into = {
            Account.MERCHANT_RECEIVABLE: poured.recovered_minor - poured.carried_minor,
            Account.MERCHANT_RESERVE: poured.reserve_withheld_minor - poured.from_reserve_minor,
            Account.MERCHANT_AVAILABLE: poured.to_available_minor - poured.from_available_minor,
        }
        sheet.debit(Account.MERCHANT_SETTLING, poured.net_minor, customer_id=item.customer_id)
        for account, minor in into.items():
            sheet.credit(account, minor, customer_id=item.customer_id)
    return [
        Entry(entry_id, EntryKind.CLOSE, currency, today, now, f"{due_on.isoformat()}/{entry_id}", sheet.postings)
        for (entry_id, currency), sheet in sheets.items()
        if sheet.postings
    ]


def release_entries(released: Iterable[Paid], *, today: date, now: datetime) -> list[Entry]:
    """Return what releasing reserves posts: what was kept back is available."""
    sheets = _moved(released, out_of=Account.MERCHANT_RESERVE, into=Account.MERCHANT_AVAILABLE)
    return [
        Entry(entry_id, EntryKind.RESERVE_RELEASE, currency, today, now, f"{today}/{entry_id}", sheet.postings)
        for (entry_id, currency), sheet in sheets.items()
    ]


def refund_entry(refunded: Refunded, *, today: date, now: datetime) -> Entry:
    """Return what a refund posts: the merchant gets so much less, and the platform gives its fee back."""
    return _refund(refunded, EntryKind.REFUND, _given_back(refunded), today=today, now=now)


def refund_reversal_entry(refunded: Refunded, *, today: date, now: datetime) -> Entry:
    """Return what a refund that failed posts: the mirror of the refund."""
    return _refund(refunded, EntryKind.REFUND_REVERSAL, mirrored(_given_back(refunded)), today=today, now=now)


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


def _moved(items: Iterable[Paid], *, out_of: Account, into: Account) -> dict[tuple[UUID, Currency], Sheet]:
    """Return a sheet for each entry and currency, on which each merchant's net goes from one account into another."""
    sheets: dict[tuple[UUID, Currency], Sheet] = {}
    for item in items:
        sheet = sheets.setdefault((item.entry_id, item.currency), Sheet())
        sheet.debit(out_of, item.net_minor, customer_id=item.customer_id)
        sheet.credit(into, item.net_minor, customer_id=item.customer_id)
    return sheets


def _refund(refunded: Refunded, kind: EntryKind, postings: Sequence[Posting], *, today: date, now: datetime) -> Entry:
    return Entry(refunded.entry_id, kind, refunded.currency, today, now, str(refunded.refund_id), postings)


def _given_back(refunded: Refunded) -> list[Posting]:
    sheet = Sheet()
    taken = refunded.amount_minor - refunded.fee_returned_minor
    sheet.debit(Account.MERCHANT_PENDING, taken, customer_id=refunded.customer_id)
    sheet.debit(Account.FEE_REVENUE, refunded.fee_returned_minor)
    sheet.credit(Account.ACQUIRER_RECEIVABLE, refunded.amount_minor)
    return sheet.postings
