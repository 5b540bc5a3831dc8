"""Refunds and the waterfall, for any amounts: no cent is lost, and none comes from nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import count
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from psp_core.domain.kernel.calendar import BankCalendar, OpenDays
from psp_core.domain.kernel.money import Currency, Money
from psp_core.domain.ledger.waterfall import Poured, pour
from psp_core.domain.payables import Payable, PayableStatus, PayableType, payables_for
from psp_core.domain.pricing.plan_rules import Sale
from psp_core.domain.pricing.prices import Prices, RuleBook
from psp_core.domain.pricing.refund_terms import RefundTerms
from psp_core.domain.pricing.terms import Fee, RefundFee
from psp_core.domain.refunds import parts_of, refund_payables, reversal_payables
from tests.builders import NOON, a_rule, a_source

UTC = ZoneInfo("UTC")
TODAY = date(2026, 3, 10)
MINOR = st.integers(0, 10**6)


def _ids() -> Iterator[UUID]:
    return (UUID(int=number) for number in count(1))


def _credits(amount_minor: int, installments: int, *, bps: int) -> list[Payable]:
    source = a_source(amount_minor=amount_minor, installments=installments)
    rule = a_rule(fee=Fee(bps))
    sale = Sale("merchant-1", source.payment_method, "visa", Currency.BRL, installments)
    terms = Prices(RuleBook([rule]), zone=UTC).terms(sale, at=NOON)
    return payables_for(source, terms=terms, zone=UTC, ids=_ids(), now=NOON)


def _refunded(rows: list[Payable], amount_minor: int, *, id: int, fee: RefundFee = RefundFee.RETURNED) -> list[Payable]:
    terms = {row.plan_id: RefundTerms(fee, OpenDays(BankCalendar.EVERY_DAY)) for row in rows}
    return refund_payables(
        parts_of(amount_minor, rows, terms=terms),
        refund_id=UUID(int=id),
        entry_id=UUID(int=1),
        ids=_ids(),
        terms=terms,
        today=TODAY,
        zone=UTC,
        now=NOON,
    )


def _reversed(rows: list[Payable], id: int) -> list[Payable]:
    taken = [row for row in rows if row.source_id == UUID(int=id) and row.type is PayableType.REFUND]
    return reversal_payables(taken, entry_id=UUID(int=2), ids=_ids(), terms={}, today=TODAY, zone=UTC, now=NOON)


def _fee_left(rows: list[Payable]) -> int:
    return sum(row.fee.minor for row in rows)


class TestPartsOf:
    @given(
        amount_minor=st.integers(1, 10**6),
        installments=st.integers(1, 24),
        bps=st.integers(0, 10_000),
        steps=st.lists(st.tuples(st.integers(1, 10**6), st.booleans()), max_size=8),
    )
    def test_return_all_of_the_fee_with_all_of_the_amount(
        self, amount_minor: int, installments: int, bps: int, steps: list[tuple[int, bool]]
    ) -> None:
        rows = _credits(amount_minor, min(installments, amount_minor), bps=bps)
        for number, (wanted, fails) in enumerate(steps, start=10):
            left = sum(row.amount.minor for row in rows)
            if not left:
                break
            made = _refunded(rows, min(wanted, left), id=number)
            assert sum(row.amount.minor for row in made) == -min(wanted, left)
            assert all(row.amount.minor <= row.fee.minor <= 0 and row.amount.minor < 0 for row in made)
            assert all(row.receivable.minor == row.amount.minor - row.fee.minor for row in made)
            rows += made
            if fails:
                rows += _reversed(rows, number)
            for installment in {row.installment for row in rows}:
                of_it = [row for row in rows if row.installment == installment]
                assert 0 <= _fee_left(of_it) <= sum(row.amount.minor for row in of_it)
        if left := sum(row.amount.minor for row in rows):
            rows += _refunded(rows, left, id=99)

        assert _fee_left(rows) == sum(row.amount.minor for row in rows) == 0

    @given(amount_minor=st.integers(1, 10**6), bps=st.integers(0, 10_000), first=st.integers(1, 10**6))
    def test_return_in_proportion(self, amount_minor: int, bps: int, first: int) -> None:
        rows = _credits(amount_minor, 1, bps=bps)

        [made] = _refunded(rows, min(first, amount_minor), id=10)

        assert -made.fee.minor == rows[0].fee.minor * min(first, amount_minor) // amount_minor

    def test_keep_the_fee_where_the_rule_says_so(self) -> None:
        [made] = _refunded(_credits(8_000, 1, bps=500), 8_000, id=10, fee=RefundFee.KEPT)

        assert (made.amount.minor, made.fee.minor, made.receivable.minor) == (-8_000, 0, -8_000)

    def test_take_what_waits_first_and_the_earliest_of_it(self) -> None:
        first, second, third = _credits(9_000, 3, bps=500)
        rows = [first._replace(status=PayableStatus.PAID, paid_at=NOON), second, third]

        made = _refunded(rows, 7_000, id=10)

        assert [(row.installment, row.amount.minor, row.due_on) for row in made] == [
            (2, -3_000, second.due_on),
            (3, -3_000, third.due_on),
            (1, -1_000, date(2026, 3, 11)),
        ]

    def test_refuse_more_than_is_left(self) -> None:
        with pytest.raises(ValueError, match="1 more than is left"):
            _refunded(_credits(100, 1, bps=500), 101, id=10)

    def test_are_in_the_sales_currency(self) -> None:
        [credit] = _credits(7, 1, bps=0)
        yen = credit._replace(
            amount=Money(7, Currency.JPY), fee=Money(0, Currency.JPY), receivable=Money(7, Currency.JPY)
        )

        [made] = _refunded([yen], 7, id=10)

        assert (made.amount, made.receivable) == (Money(-7, Currency.JPY), Money(-7, Currency.JPY))


class TestPour:
    @given(net=st.integers(-(10**6), 10**6), available=MINOR, reserve=MINOR, debt=MINOR, withheld=MINOR)
    def test_pours_all_of_it_and_leaves_no_debt_beside_what_is_available(
        self, net: int, available: int, reserve: int, debt: int, withheld: int
    ) -> None:
        if available and debt:
            available = 0

        poured = pour(net, available_minor=available, reserve_minor=reserve, debt_minor=debt, withheld_minor=withheld)

        assert 0 <= poured.reserve_withheld_minor <= withheld
        assert poured.net_minor == net
        left = available + poured.to_available_minor - poured.from_available_minor
        owed = debt + poured.carried_minor - poured.recovered_minor
        assert left >= 0
        assert owed >= 0
        assert reserve - poured.from_reserve_minor >= 0
        assert left == 0 or owed == 0

    @pytest.mark.parametrize(
        ("net", "available", "reserve", "debt", "expected"),
        [
            (7_600, 0, 0, 6_000, Poured(to_available_minor=1_600, recovered_minor=6_000)),
            (-9_500, 3_000, 500, 0, Poured(from_available_minor=3_000, from_reserve_minor=500, carried_minor=6_000)),
            (0, 5, 5, 0, Poured()),
        ],
    )
    def test_takes_them_in_their_order(
        self, net: int, available: int, reserve: int, debt: int, expected: Poured
    ) -> None:
        assert pour(net, available_minor=available, reserve_minor=reserve, debt_minor=debt) == expected
