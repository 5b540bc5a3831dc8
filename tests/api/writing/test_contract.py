"""The fixed part of the contract, field by field: programs written for it exist."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import httpx
import pytest

from psp_core.domain.intake.transactions import PaymentMethod
from psp_core.domain.pricing.plan_rules import CONTRACT
from tests.api.bodies import a_body, create, payables_of
from tests.api.server import Api

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class TestPostTransactions:
    def test_answers_the_contracts_example(self, client: httpx.Client, merchant: str) -> None:
        answer = client.post("/transactions", json=a_body())

        assert answer.status_code == 201
        assert answer.headers["Content-Type"] == "application/json"
        created = answer.json()
        assert UUID.fullmatch(created.pop("id"))
        assert INSTANT.fullmatch(created["created_at"])
        assert created.pop("created_at") == created.pop("updated_at")
        assert created == {
            "description": "Lightsaber",
            "customer_id": merchant,
            "amount": 2500,
            "payment_method": "credit_card",
            "card_holder_name": "Luke Skywalker",
            "card_expiration_date": "2025-10-01T00:00:00.000Z",
            "card_verification_code": "***",
            "card_last_four_numbers": "1111",
            "status": "pending_payment",
            "currency": "BRL",
            "installments": 1,
            "card_brand": "visa",
            "reference": None,
        }

    def test_answers_the_fixed_fields_first(self, client: httpx.Client) -> None:
        assert list(create(client))[:11] == [
            "id",
            "description",
            "customer_id",
            "amount",
            "payment_method",
            "card_holder_name",
            "card_expiration_date",
            "card_verification_code",
            "card_last_four_numbers",
            "updated_at",
            "created_at",
        ]

    @pytest.mark.parametrize(
        ("amount", "minor"),
        [("2500", 2500), (2500, 2500), ("1", 1), (10_000_000_000, 10_000_000_000), (10**12, 10**12)],
    )
    def test_takes_an_amount_as_an_integer_or_as_digits(
        self, client: httpx.Client, amount: int | str, minor: int
    ) -> None:
        assert create(client, amount=amount)["amount"] == minor

    @pytest.mark.parametrize(
        ("date", "month"),
        [("10/25", "2025-10"), ("10/10", "2010-10"), ("01/2031", "2031-01"), ("12/99", "2099-12")],
    )
    def test_takes_a_card_whatever_its_date(self, client: httpx.Client, date: str, month: str) -> None:
        assert create(client, card_expiration_date=date)["card_expiration_date"] == f"{month}-01T00:00:00.000Z"

    @pytest.mark.parametrize(
        ("number", "last_four", "brand"),
        [
            ("4111111111111111", "1111", "visa"),
            ("378282246310005", "0005", "amex"),
            ("500000000009", "0009", "maestro"),
        ],
    )
    def test_keeps_the_last_four_digits_and_the_brand(
        self, client: httpx.Client, number: str, last_four: str, brand: str
    ) -> None:
        created = create(client, card_number=number)

        assert (created["card_last_four_numbers"], created["card_brand"]) == (last_four, brand)

    def test_takes_an_empty_description(self, client: httpx.Client) -> None:
        assert create(client, description="")["description"] == ""

    def test_keeps_text_as_it_is(self, client: httpx.Client) -> None:
        text = 'Sabre de luz: 100 % \\ "à l\'œuvre" 光剣\n🗡 '

        created = create(client, description=text, card_holder_name=text, reference=text)

        found = client.get(f"/transactions/{created['id']}").json()
        assert [found[name] for name in ("description", "card_holder_name", "reference")] == [text] * 3

    def test_takes_what_was_added(self, client: httpx.Client) -> None:
        created = create(client, installments=12, currency="USD", reference="order 66")

        assert (created["installments"], created["currency"], created["reference"]) == (12, "USD", "order 66")

    def test_takes_null_for_what_may_be_left_out(self, client: httpx.Client) -> None:
        created = create(client, installments=None, currency=None, reference=None)

        assert (created["installments"], created["currency"], created["reference"]) == (1, "BRL", None)

    def test_calls_a_debit_card_paid(self, client: httpx.Client) -> None:
        assert create(client, payment_method="debit_card")["status"] == "paid"


class TestGetTransactions:
    def test_answers_what_the_posts_answered_newest_first(self, client: httpx.Client) -> None:
        created = [create(client, amount=amount) for amount in (1, 2, 3)]

        answer = client.get("/transactions")

        assert answer.status_code == 200
        assert answer.json() == created[::-1]

    def test_answers_one(self, client: httpx.Client) -> None:
        created = create(client)

        assert client.get(f"/transactions/{created['id']}").json() == created


class TestGetPayables:
    def test_answers_the_contracts_example(self, api: Api, client: httpx.Client, merchant: str) -> None:
        created = create(client)

        [payable] = payables_of(api.core, client, created)

        assert client.get("/payables").json() == [payable]
        assert client.get(f"/payables/{payable['id']}").json() == payable
        assert UUID.fullmatch(payable.pop("id"))
        assert INSTANT.fullmatch(payable["created_at"])
        assert payable.pop("created_at") == payable.pop("updated_at")
        due = datetime.fromisoformat(created["created_at"]) + timedelta(days=30)
        assert payable == {
            "customer_id": merchant,
            "status": "waiting_funds",
            "payment_date": due.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "fee": 5,
            "receivable_amount": 2375,
            "transaction_id": created["id"],
            "amount": 2500,
            "fee_amount": 125,
            "currency": "BRL",
            "installment": 1,
            "type": "credit",
            "source_id": created["id"],
            "paid_at": None,
            "settlement_id": None,
            "plan_id": str(CONTRACT[PaymentMethod.CREDIT_CARD].id),
            "due_on": due.date().isoformat(),
        }

    def test_pays_a_debit_card_at_once(self, api: Api, client: httpx.Client) -> None:
        created = create(client, payment_method="debit_card", amount=1000)

        [payable] = payables_of(api.core, client, created)

        assert (payable["status"], payable["fee"], payable["receivable_amount"]) == ("paid", 3, 970)
        assert payable["payment_date"] == payable["paid_at"] == created["created_at"]

    @pytest.mark.parametrize(
        ("amount", "method", "receivable"),
        [(10, "credit_card", 10), (33, "debit_card", 33), (999, "credit_card", 950), (1, "debit_card", 1)],
    )
    def test_rounds_the_fee_down(
        self, api: Api, client: httpx.Client, amount: int, method: str, receivable: int
    ) -> None:
        created = create(client, amount=amount, payment_method=method)

        [payable] = payables_of(api.core, client, created)

        assert payable["receivable_amount"] == receivable

    def test_splits_installments_over_the_months(self, api: Api, client: httpx.Client) -> None:
        created = create(client, amount=1000, installments=3)

        payables = payables_of(api.core, client, created)

        assert [(item["installment"], item["amount"]) for item in payables[::-1]] == [(1, 334), (2, 333), (3, 333)]
