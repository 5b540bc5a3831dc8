from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise, repeat
from typing import TypedDict
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from psp_core.domain.intake.transactions import PaymentMethod
from psp_core.domain.kernel.calendar import BankCalendar, due_date
from psp_core.domain.kernel.money import AMOUNT_MINOR_MAX
from psp_core.domain.payables import Payable, PayableSource, PayableStatus, payables_for
from psp_core.domain.pricing.fee_plans import DEFAULT_FEE_PLAN, FeePlan, plan_in_force
from tests.builders import NOON, a_source

UTC_ZONE = ZoneInfo("UTC")
# East and west of Greenwich, with and without summer time, and one whose summer time begins at midnight.
ZONES = ["UTC", "America/Sao_Paulo", "Asia/Tokyo", "Europe/Lisbon", "America/Havana", "Pacific/Apia"]


def terms(plan: FeePlan, days: int) -> FeePlan:
    return replace(plan, effective_from=NOON + timedelta(days=days))


def payables_of(source: PayableSource, *, plan: FeePlan, zone: ZoneInfo) -> list[Payable]:
    return payables_for(source, plan=plan, zone=zone, ids=repeat(UUID(int=2)), now=NOON)


class TestPayablesFor:
    def test_credit_is_due_30_days_after_the_transaction_minus_5_percent(self) -> None:
        [payable] = payables_of(a_source(amount_minor=2_500), plan=DEFAULT_FEE_PLAN, zone=UTC_ZONE)

        assert payable.status is PayableStatus.WAITING_FUNDS
        assert payable.payment_at == NOON + timedelta(days=30)
        assert payable.due_on == date(2026, 4, 9)
        assert (payable.amount.minor, payable.fee.minor, payable.fee_bps) == (2_500, 125, 500)

    def test_debit_is_paid_at_once_minus_3_percent(self) -> None:
        source = a_source(amount_minor=33, payment_method=PaymentMethod.DEBIT_CARD)

        [payable] = payables_of(source, plan=DEFAULT_FEE_PLAN, zone=UTC_ZONE)

        assert payable.status is PayableStatus.PAID
        assert payable.payment_at == payable.paid_at == NOON
        assert (payable.fee.minor, payable.fee_bps) == (0, 300)

    def test_installments_are_due_one_delay_after_another(self) -> None:
        payables = payables_of(a_source(amount_minor=1_000, installments=3), plan=DEFAULT_FEE_PLAN, zone=UTC_ZONE)

        assert [payable.amount.minor for payable in payables] == [334, 333, 333]
        assert [payable.payment_at - NOON for payable in payables] == [timedelta(days=30 * n) for n in (1, 2, 3)]

    def test_due_dates_roll_forward_to_an_open_day(self) -> None:
        plan = replace(DEFAULT_FEE_PLAN, calendar=BankCalendar.BRAZIL)
        to_saturday = a_source(created_at=NOON.replace(month=2, day=12))

        [payable] = payables_of(to_saturday, plan=plan, zone=UTC_ZONE)

        assert payable.due_on == date(2026, 3, 16)

    @pytest.mark.parametrize("zone", map(ZoneInfo, ZONES), ids=ZONES)
    def test_are_never_due_on_a_closed_day_of_the_zone(self, zone: ZoneInfo) -> None:
        plan = replace(DEFAULT_FEE_PLAN, calendar=BankCalendar.BRAZIL)
        first, hours = datetime(2025, 1, 1, tzinfo=UTC), 4 * 365 * 24

        payables = [
            payable
            for hour in range(hours)
            for payable in payables_of(a_source(created_at=first + timedelta(hours=hour)), plan=plan, zone=zone)
        ]

        assert [payable for payable in payables if not BankCalendar.BRAZIL.is_open(payable.due_on)] == []
        assert all(payable.due_on == due_date(payable.payment_at, zone) for payable in payables)
        assert all(one.due_on <= next.due_on for one, next in pairwise(payables))

    @given(st.integers(1, AMOUNT_MINOR_MAX), st.integers(1, 12), st.integers(0, 10_000), st.sampled_from(PaymentMethod))
    def test_never_creates_or_loses_a_cent(
        self, amount_minor: int, installments: int, fee_bps: int, method: PaymentMethod
    ) -> None:
        source = a_source(amount_minor=amount_minor, installments=installments, payment_method=method)
        plan = replace(DEFAULT_FEE_PLAN, credit_fee_bps=fee_bps, debit_fee_bps=fee_bps)

        payables = payables_of(source, plan=plan, zone=UTC_ZONE)

        assert sum(payable.amount.minor for payable in payables) == amount_minor
        assert all(0 <= payable.fee.minor <= payable.amount.minor for payable in payables)
        assert all(payable.receivable == payable.amount - payable.fee for payable in payables)


class TestPlanInForce:
    def test_is_the_newest_that_was_in_force_at_the_moment(self) -> None:
        old, new = terms(DEFAULT_FEE_PLAN, -10), terms(DEFAULT_FEE_PLAN, 10)

        assert plan_in_force([new, old], at=NOON) is old
        assert plan_in_force([old, new], at=NOON + timedelta(days=10)) is new

    def test_is_the_default_before_the_first(self) -> None:
        assert plan_in_force([terms(DEFAULT_FEE_PLAN, 1)], at=NOON) is DEFAULT_FEE_PLAN


class Terms(TypedDict, total=False):
    credit_fee_bps: int
    debit_fee_bps: int
    credit_delay_days: int


class TestFeePlan:
    @pytest.mark.parametrize("change", [{"credit_fee_bps": 10_001}, {"debit_fee_bps": -1}, {"credit_delay_days": 366}])
    def test_refuses_terms_outside_their_limits(self, change: Terms) -> None:
        with pytest.raises(ValueError, match="is 0 to"):
            replace(DEFAULT_FEE_PLAN, **change)
