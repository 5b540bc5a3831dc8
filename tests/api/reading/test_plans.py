"""`/plans/current`: the merchant's own rules and those for all, and what a sale would cost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from psp_core.domain.intake.transactions import PaymentMethod
from psp_core.domain.pricing.plan_changes import WantedRule
from psp_core.domain.pricing.plan_rules import CONTRACT, InstallmentRange, Scope
from psp_core.domain.pricing.terms import Fee, Schedule, Unit
from tests.api.bodies import create, payables_of
from tests.api.server import Api

CREDIT, DEBIT = (str(CONTRACT[method].id) for method in (PaymentMethod.CREDIT_CARD, PaymentMethod.DEBIT_CARD))


def give(api: Api, *rules: WantedRule) -> None:
    """Make these the rules of the merchants that they name."""
    merchants = {rule.scope.customer_id for rule in rules}
    changes = api.core.change_plans.preview(merchants, rules)
    api.core.change_plans(merchants, rules, expected=changes, reason="a test")


def a_wanted_rule(scope: Scope, *, bps: int = 349, delay: int = 30) -> WantedRule:
    return WantedRule(scope, Fee(bps), Schedule(delay, Unit.DAYS, 30, Unit.DAYS))


class TestTheRules:
    def test_are_the_contracts_where_there_are_no_others(self, client: httpx.Client) -> None:
        answer = client.get("/plans/current").json()

        assert [rule["id"] for rule in answer["rules"]] == [CREDIT, DEBIT]
        assert [(rule["fee"], rule["delay"]["count"]) for rule in answer["rules"]] == [(5, 30), (3, 0)]
        assert answer["quote"] is None

    def test_are_the_merchants_own_the_most_specific_first(self, api: Api, client: httpx.Client, merchant: str) -> None:
        few = Scope(merchant, PaymentMethod.CREDIT_CARD, "elo", InstallmentRange(2, 6))
        give(api, a_wanted_rule(Scope(merchant), bps=400), a_wanted_rule(few))

        specific, general, *_ = client.get("/plans/current").json()["rules"]

        assert (specific["customer_id"], specific["card_brand"], specific["fee"]) == (merchant, "elo", 3.49)
        assert specific["installments"] == {"min": 2, "max": 6}
        assert (general["installments"], general["fee"]) == (None, 4)
        assert "reason" not in specific

    def test_are_not_another_merchants(self, api: Api, client: httpx.Client, merchant: str) -> None:
        give(api, a_wanted_rule(Scope(f"{merchant}-other"), bps=1))

        assert [rule["id"] for rule in client.get("/plans/current").json()["rules"]] == [CREDIT, DEBIT]
        assert client.get("/plans/current?amount=10000").json()["quote"]["fee_amount"] == 500

    def test_are_in_force_now(self, api: Api, client: httpx.Client, merchant: str) -> None:
        later = WantedRule(
            Scope(merchant), Fee(1), Schedule(1, Unit.DAYS, 1, Unit.DAYS), datetime(2100, 1, 1, tzinfo=UTC)
        )
        give(api, later)

        assert len(client.get("/plans/current").json()["rules"]) == 2

    def test_have_an_etag(self, client: httpx.Client) -> None:
        etag = client.get("/plans/current").headers["ETag"]

        assert client.get("/plans/current", headers={"If-None-Match": etag}).status_code == 304


class TestAQuote:
    def test_is_what_the_sale_then_costs(self, api: Api, client: httpx.Client, merchant: str) -> None:
        give(api, a_wanted_rule(Scope(merchant, card_brand="visa"), bps=250, delay=2))
        asked: dict[str, str | int] = {"amount": 10_000, "installments": 3, "card_brand": "visa"}

        quote = client.get("/plans/current", params=asked).json()["quote"]
        made = payables_of(api.core, client, create(client, amount=10_000, installments=3))[::-1]

        assert (quote["fee_amount"], quote["receivable_amount"], quote["currency"]) == (250, 9_750, "BRL")
        assert {payable["plan_id"] for payable in made} == {quote["plan_id"]}
        for quoted, payable in zip(quote["payables"], made, strict=True):
            for name in ("installment", "amount", "fee_amount", "receivable_amount", "payment_date"):
                assert quoted[name] == payable[name]

    def test_pays_a_debit_card_at_once(self, client: httpx.Client) -> None:
        params: dict[str, str | int] = {"amount": 33, "payment_method": "debit_card"}
        quote = client.get("/plans/current", params=params).json()["quote"]

        [payable] = quote["payables"]
        assert (quote["plan_id"], quote["fee_amount"], payable["receivable_amount"]) == (DEBIT, 0, 33)
        assert abs(datetime.fromisoformat(payable["payment_date"]) - datetime.now(UTC)) < timedelta(minutes=1)

    @pytest.mark.parametrize(
        ("query", "problem"),
        [
            ("amount=0", ("query:amount", "out_of_range")),
            ("amount=1.5", ("query:amount", "wrong_type")),
            ("amount=5&installments=6", ("query:installments", "installments_exceed_amount")),
            ("amount=50&installments=25", ("query:installments", "out_of_range")),
            ("payment_method=debit_card&installments=2", ("query:installments", "credit_only")),
            ("card_brand=acme", ("query:card_brand", "not_allowed")),
            ("currency=XXX", ("query:currency", "not_allowed")),
            ("limit=3", ("query:limit", "unknown_parameter")),
        ],
    )
    def test_is_refused_for_what_is_no_sale(self, client: httpx.Client, query: str, problem: tuple[str, str]) -> None:
        answer = client.get(f"/plans/current?{query}")

        assert answer.status_code == 422
        assert [(item["pointer"], item["code"]) for item in answer.json()["errors"]] == [problem]
