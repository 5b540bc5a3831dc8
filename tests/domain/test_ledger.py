"""The ledger's rules without a database: docs/money.md's examples to the cent are in test_money_page.py."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest

from psp_core.domain.kernel.money import Currency
from psp_core.domain.ledger.accounts import Account, Side
from psp_core.domain.ledger.entries import Entry, EntryKind, Posting, Sheet, changes_of_balances, mirrored
from psp_core.domain.ledger.journal import (
    Captured,
    Closed,
    Existing,
    Paid,
    capture_entries,
    close_entries,
    opening_entries,
    settle_entries,
)
from psp_core.domain.ledger.waterfall import Poured
from tests.builders import NOON

TODAY = date(2026, 3, 10)
ONE, TWO = UUID(int=1), UUID(int=2)
BRL = Currency.BRL


def a_capture(*, fee_minor: int = 400, net_minor: int = 7_600, is_paid: bool = False) -> Entry:
    captured = Captured(ONE, "merchant-1", is_paid=is_paid, count=1, fee_minor=fee_minor, net_minor=net_minor)
    [entry] = capture_entries({(BRL, TODAY): ONE}, [captured], now=NOON)
    return entry


class TestEntry:
    @pytest.mark.parametrize(
        "postings",
        [
            [],
            [Posting(Account.SUSPENSE, None, Side.DEBIT, 1)],
            [Posting(Account.SUSPENSE, None, Side.DEBIT, 2), Posting(Account.FEE_REVENUE, None, Side.CREDIT, 1)],
            [Posting(Account.SUSPENSE, None, Side.DEBIT, 0), Posting(Account.FEE_REVENUE, None, Side.CREDIT, 0)],
            [Posting(Account.SUSPENSE, "m", Side.DEBIT, 1), Posting(Account.FEE_REVENUE, None, Side.CREDIT, 1)],
            [Posting(Account.SUSPENSE, None, Side.DEBIT, 1), Posting(Account.MERCHANT_PENDING, None, Side.CREDIT, 1)],
        ],
    )
    def test_is_refused_unless_it_balances(self, postings: list[Posting]) -> None:
        with pytest.raises(ValueError, match="entry"):
            Entry(ONE, EntryKind.CAPTURE, BRL, TODAY, NOON, None, postings)

    def test_and_its_mirror_change_nothing(self) -> None:
        entry = a_capture()
        mirror = replace(entry, kind=EntryKind.REVERSAL, reverses_id=entry.id, postings=mirrored(entry.postings))

        assert changes_of_balances([entry, mirror]) == {("merchant-1", BRL): {Account.MERCHANT_PENDING: 0}}


class TestSheet:
    def test_has_one_posting_for_each_merchant_and_account_and_none_of_zero(self) -> None:
        sheet = Sheet()
        sheet.credit(Account.MERCHANT_PENDING, 5, customer_id="a")
        sheet.credit(Account.MERCHANT_PENDING, 7, customer_id="a")
        sheet.credit(Account.MERCHANT_PENDING, 3, customer_id="b")
        sheet.debit(Account.MERCHANT_PENDING, 3, customer_id="b")
        sheet.debit(Account.ACQUIRER_RECEIVABLE, 12)

        assert sheet.postings == [
            Posting(Account.MERCHANT_PENDING, "a", Side.CREDIT, 12),
            Posting(Account.ACQUIRER_RECEIVABLE, None, Side.DEBIT, 12),
        ]


class TestCapture:
    def test_is_an_entry_for_each_currency_and_business_date(self) -> None:
        days = {(BRL, TODAY): ONE, (Currency.USD, TODAY): TWO, (BRL, date(2026, 3, 9)): UUID(int=3)}
        captured = [
            Captured(ONE, "a", is_paid=False, count=1, fee_minor=5, net_minor=95),
            Captured(ONE, "b", is_paid=True, count=1, fee_minor=4, net_minor=96),
            Captured(TWO, "a", is_paid=False, count=1, fee_minor=0, net_minor=10),
        ]

        entries = capture_entries(days, captured, now=NOON)

        assert [(entry.id, entry.currency, entry.effective_on) for entry in entries] == [
            (ONE, BRL, TODAY),
            (TWO, Currency.USD, TODAY),
        ]
        assert entries[0].postings == [
            Posting(Account.ACQUIRER_RECEIVABLE, None, Side.DEBIT, 200),
            Posting(Account.FEE_REVENUE, None, Side.CREDIT, 9),
            Posting(Account.MERCHANT_PENDING, "a", Side.CREDIT, 95),
            Posting(Account.MERCHANT_AVAILABLE, "b", Side.CREDIT, 96),
        ]

    def test_of_nothing_but_zeros_is_no_entry(self) -> None:
        captured = [Captured(ONE, "a", is_paid=False, count=1, fee_minor=0, net_minor=0)]

        assert capture_entries({(BRL, TODAY): ONE}, captured, now=NOON) == []


class TestSettlement:
    @pytest.mark.parametrize(("net_minor", "sides"), [(5, (Side.DEBIT, Side.CREDIT)), (-5, (Side.CREDIT, Side.DEBIT))])
    def test_swaps_the_sides_when_a_chunk_is_negative(self, net_minor: int, sides: tuple[Side, Side]) -> None:
        [entry] = settle_entries([Paid(ONE, "a", BRL, net_minor)], due_on=TODAY, today=TODAY, now=NOON)

        assert [(each.account, each.side, each.amount_minor) for each in entry.postings] == [
            (Account.MERCHANT_PENDING, sides[0], 5),
            (Account.MERCHANT_SETTLING, sides[1], 5),
        ]

    def test_names_its_due_date_and_a_closing_also_itself(self) -> None:
        [settle] = settle_entries([Paid(ONE, "a", BRL, 5)], due_on=TODAY, today=TODAY, now=NOON)
        closed = [Closed(ONE, "a", BRL, Poured(to_available_minor=5))]
        [close] = close_entries(closed, due_on=TODAY, today=TODAY, now=NOON)

        assert (settle.source, close.source) == ("2026-03-10", f"2026-03-10/{ONE}")


class TestOpening:
    def test_books_what_was_paid_as_available_and_the_rest_as_pending(self) -> None:
        existing = [
            Existing(TODAY, "a", BRL, is_available=True, fee_minor=3, net_minor=97),
            Existing(TODAY, "a", BRL, is_available=False, fee_minor=5, net_minor=95),
        ]

        [entry] = opening_entries({(BRL, TODAY): ONE}, existing, source="range", now=NOON)

        assert changes_of_balances([entry]) == {
            ("a", BRL): {Account.MERCHANT_AVAILABLE: 97, Account.MERCHANT_PENDING: 95}
        }
        assert entry.source == "range/2026-03-10"
