from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import product
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from psp_core.domain.intake.transactions import PaymentMethod
from psp_core.domain.kernel.money import Currency
from psp_core.domain.pricing.plan_rules import CONTRACT, InstallmentRange, PlanRule, Sale, Scope
from psp_core.domain.pricing.prices import Prices, RuleBook
from psp_core.domain.pricing.terms import Fee
from tests.builders import NOON, a_rule

UTC_ZONE = ZoneInfo("UTC")
SALE = Sale("merchant-1", PaymentMethod.CREDIT_CARD, "visa", Currency.BRL, 3)


def deciding(*rules: PlanRule, sale: Sale = SALE, days: float = 0) -> UUID:
    at = NOON + timedelta(days=days)
    found = Prices(RuleBook(list(rules)), zone=UTC_ZONE).terms(sale, at=at).plan_id
    assert found == RuleBook(list(rules)).deciding(sale, at=at)[0].id
    return found


class TestTheRule:
    def test_is_the_contracts_where_there_is_none(self) -> None:
        debit = SALE._replace(payment_method=PaymentMethod.DEBIT_CARD, installments=1)

        assert deciding() == CONTRACT[PaymentMethod.CREDIT_CARD].id
        assert deciding(sale=debit) == CONTRACT[PaymentMethod.DEBIT_CARD].id

    @pytest.mark.parametrize(
        ("winner", "loser"),
        [
            # Each in turn against everything that is less specific.
            (
                Scope(customer_id="merchant-1"),
                Scope(None, PaymentMethod.CREDIT_CARD, "visa", InstallmentRange(3, 3), Currency.BRL),
            ),
            (
                Scope(payment_method=PaymentMethod.CREDIT_CARD),
                Scope(None, None, "visa", InstallmentRange(3, 3), Currency.BRL),
            ),
            (Scope(card_brand="visa"), Scope(None, None, None, InstallmentRange(3, 3), Currency.BRL)),
            (Scope(installments=InstallmentRange(2, 6)), Scope(currency=Currency.BRL)),
            (Scope(currency=Currency.BRL), Scope()),
        ],
        ids=["merchant", "method", "brand", "installments", "currency"],
    )
    def test_is_the_most_specific(self, winner: Scope, loser: Scope) -> None:
        specific, general = a_rule(scope=winner), a_rule(scope=loser)

        assert deciding(general, specific) == deciding(specific, general) == specific.id

    @pytest.mark.parametrize(
        "scope",
        [
            Scope(customer_id="merchant-2"),
            Scope(payment_method=PaymentMethod.DEBIT_CARD),
            Scope(card_brand="elo"),
            Scope(installments=InstallmentRange(4, 24)),
            Scope(installments=InstallmentRange(1, 2)),
            Scope(currency=Currency.USD),
        ],
    )
    def test_is_none_that_the_sale_is_not_in(self, scope: Scope) -> None:
        schedule = replace(CONTRACT[PaymentMethod.CREDIT_CARD].schedule, delay=0)

        assert deciding(a_rule(scope=scope, schedule=schedule)) == CONTRACT[PaymentMethod.CREDIT_CARD].id

    def test_is_the_one_in_force_at_the_capture(self) -> None:
        old = a_rule(begins_at=NOON - timedelta(days=10), ends_at=NOON)
        new = a_rule(begins_at=NOON)

        assert deciding(new, old) == new.id
        assert deciding(new, old, days=-0.001) == old.id
        assert deciding(new, old, days=-11) == CONTRACT[PaymentMethod.CREDIT_CARD].id

    def test_is_a_general_one_once_the_specific_one_has_ended(self) -> None:
        ended = a_rule(scope=Scope(customer_id="merchant-1"), ends_at=NOON)
        general = a_rule()

        assert deciding(ended, general) == general.id

    @given(st.permutations(list(product([True, False], repeat=5))), st.integers(0, 31))
    def test_does_not_depend_on_the_order_in_which_rules_are_read(
        self, order: list[tuple[bool, ...]], count: int
    ) -> None:
        names = (SALE.customer_id, SALE.payment_method, SALE.card_brand, InstallmentRange(1, 6), SALE.currency)
        scopes = [
            Scope(*(name if is_named else None for name, is_named in zip(names, each, strict=True)))  # type: ignore[arg-type]
            for each in order[:count]
        ]
        rules = [a_rule(scope=scope) for scope in scopes]
        best = max(rules, key=lambda rule: rule.scope.rank, default=CONTRACT[PaymentMethod.CREDIT_CARD])

        assert deciding(*rules) == best.id


class TestAPlanRule:
    def test_cannot_begin_before_it_is_written(self) -> None:
        with pytest.raises(ValueError, match="before it is written"):
            replace(a_rule(), created_at=NOON)

    def test_names_a_currency_for_amounts(self) -> None:
        with pytest.raises(ValueError, match="name it"):
            a_rule(fee=Fee(0, fixed=30))
        a_rule(fee=Fee(0, fixed=30), scope=Scope(currency=Currency.BRL))

    def test_gives_a_debit_card_no_delay(self) -> None:
        with pytest.raises(ValueError, match="paid at once"):
            a_rule(scope=Scope(payment_method=PaymentMethod.DEBIT_CARD))


class TestRivals:
    @pytest.mark.parametrize(
        ("one", "other", "rivals"),
        [
            (Scope(), Scope(), True),
            (Scope(customer_id="a"), Scope(customer_id="b"), False),
            (Scope(installments=InstallmentRange(1, 6)), Scope(installments=InstallmentRange(6, 12)), True),
            (Scope(installments=InstallmentRange(1, 6)), Scope(installments=InstallmentRange(7, 12)), False),
            (Scope(installments=InstallmentRange(1, 24)), Scope(), False),
            (Scope(card_brand="visa"), Scope(currency=Currency.BRL), False),
        ],
    )
    def test_are_in_the_same_sales_with_the_same_rank(self, one: Scope, other: Scope, rivals: bool) -> None:
        assert one.rivals(other) is other.rivals(one) is rivals
