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

from psp_core.domain.intake.transactions import INSTALLMENTS_MAX, PaymentMethod
from psp_core.domain.kernel.calendar import BankCalendar, OpenDays, due_date
from psp_core.domain.kernel.money import AMOUNT_MINOR_MAX, Currency, Rounding
from psp_core.domain.payables import Payable, PayableSource, PayableStatus, payables_for
from psp_core.domain.pricing.fee_plans import DEFAULT_FEE_PLAN, FeePlan, plan_in_force
from psp_core.domain.pricing.plan_rules import CONTRACT, PlanRule, Scope
from psp_core.domain.pricing.prices import ReadyTerms
from psp_core.domain.pricing.terms import Fee, FeeBasis, Roll
from tests.builders import NOON, a_rule, a_source

UTC_ZONE = ZoneInfo("UTC")
# East and west of Greenwich, with and without summer time, and one whose summer time begins at midnight.
ZONES = ["UTC", "America/Sao_Paulo", "Asia/Tokyo", "Europe/Lisbon", "America/Havana", "Pacific/Apia"]


def terms(plan: FeePlan, days: int) -> FeePlan:
    return replace(plan, effective_from=NOON + timedelta(days=days))


def payables_of(source: PayableSource, *, rule: PlanRule, zone: ZoneInfo = UTC_ZONE) -> list[Payable]:
    terms = ReadyTerms(rule, open_days=OpenDays(rule.schedule.calendar), zone=zone)
    return payables_for(source, terms=terms, zone=zone, ids=repeat(UUID(int=2)), now=NOON)


CREDIT, DEBIT = CONTRACT[PaymentMethod.CREDIT_CARD], CONTRACT[PaymentMethod.DEBIT_CARD]
IN_BRAZIL = replace(CREDIT.schedule, calendar=BankCalendar.BRAZIL, roll=Roll.FOLLOWING)


@st.composite
def fees(draw: st.DrawFn) -> Fee:
    least = draw(st.integers(0, 1_000))
    return Fee(
        bps=draw(st.integers(0, 10_000)),
        fixed=draw(st.integers(0, 1_000)),
        least=least,
        greatest=draw(st.none() | st.integers(least, 10_000)),
        rounding=draw(st.sampled_from(Rounding)),
        basis=draw(st.sampled_from(FeeBasis)),
    )


class TestPayablesFor:
    def test_credit_is_due_30_days_after_the_transaction_minus_5_percent(self) -> None:
        [payable] = payables_of(a_source(amount_minor=2_500), rule=CREDIT)

        assert payable.status is PayableStatus.WAITING_FUNDS
        assert payable.payment_at == NOON + timedelta(days=30)
        assert payable.due_on == date(2026, 4, 9)
        assert (payable.amount.minor, payable.fee.minor, payable.fee_bps) == (2_500, 125, 500)

    def test_debit_is_paid_at_once_minus_3_percent(self) -> None:
        source = a_source(amount_minor=33, payment_method=PaymentMethod.DEBIT_CARD)

        [payable] = payables_of(source, rule=DEBIT)

        assert payable.status is PayableStatus.PAID
        assert payable.payment_at == payable.paid_at == NOON
        assert (payable.fee.minor, payable.fee_bps) == (0, 300)

    def test_installments_are_due_one_delay_after_another(self) -> None:
        payables = payables_of(a_source(amount_minor=1_000, installments=3), rule=CREDIT)

        assert [payable.amount.minor for payable in payables] == [334, 333, 333]
        assert [payable.payment_at - NOON for payable in payables] == [timedelta(days=30 * n) for n in (1, 2, 3)]

    def test_due_dates_roll_forward_to_an_open_day(self) -> None:
        rule = replace(CREDIT, schedule=IN_BRAZIL)
        to_saturday = a_source(created_at=NOON.replace(month=2, day=12))

        [payable] = payables_of(to_saturday, rule=rule, zone=UTC_ZONE)

        assert payable.due_on == date(2026, 3, 16)

    @pytest.mark.parametrize("zone", map(ZoneInfo, ZONES), ids=ZONES)
    def test_are_never_due_on_a_closed_day_of_the_zone(self, zone: ZoneInfo) -> None:
        rule = replace(CREDIT, schedule=IN_BRAZIL)
        first, hours = datetime(2025, 1, 1, tzinfo=UTC), 4 * 365 * 24

        payables = [
            payable
            for hour in range(hours)
            for payable in payables_of(a_source(created_at=first + timedelta(hours=hour)), rule=rule, zone=zone)
        ]

        assert [payable for payable in payables if not BankCalendar.BRAZIL.is_open(payable.due_on)] == []
        assert all(payable.due_on == due_date(payable.payment_at, zone) for payable in payables)
        assert all(one.due_on <= next.due_on for one, next in pairwise(payables))

    def test_a_fee_is_computed_once_on_the_whole_and_split(self) -> None:
        source = a_source(amount_minor=10_000, installments=3)

        payables = payables_of(source, rule=CREDIT)

        assert [payable.fee.minor for payable in payables] == [167, 167, 166]
        assert [payable.receivable.minor for payable in payables] == [3_167, 3_166, 3_167]

    def test_a_fee_was_computed_for_each_installment_before(self) -> None:
        rule = replace(CREDIT, fee=replace(CREDIT.fee, basis=FeeBasis.INSTALLMENT))

        payables = payables_of(a_source(amount_minor=10_000, installments=3), rule=rule)

        assert [payable.fee.minor for payable in payables] == [166, 166, 166]

    def test_name_the_rule_that_priced_them(self) -> None:
        [payable] = payables_of(a_source(), rule=CREDIT)

        assert payable.plan_id == CREDIT.id

    @given(
        st.integers(1, AMOUNT_MINOR_MAX),
        st.integers(1, INSTALLMENTS_MAX),
        fees(),
        st.sampled_from(PaymentMethod),
    )
    def test_never_creates_or_loses_a_cent(
        self, amount_minor: int, installments: int, fee: Fee, method: PaymentMethod
    ) -> None:
        source = a_source(amount_minor=amount_minor, installments=installments, payment_method=method)

        payables = payables_of(source, rule=a_rule(fee=fee, scope=Scope(currency=Currency.BRL)))

        assert sum(payable.amount.minor for payable in payables) == amount_minor
        if fee.basis is FeeBasis.WHOLE:
            assert sum(payable.fee.minor for payable in payables) == fee.of(source.amount).minor
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
