"""`/balance`: what a merchant has, and the transactions that it is made of."""

from __future__ import annotations

from datetime import datetime

import httpx

from psp_core.bootstrap import Core
from tests.api.bodies import a_body, create, everything, payables_of, problems
from tests.api.server import Api
from tests.usecases.ledger.books_of import execute

_NOTHING = {"settling": 0, "payoutable": 0, "reserved": 0, "in_transit": 0, "debt": 0}


class TestTheBalance:
    def test_is_what_waits_and_what_is_available_in_each_currency(self, api: Api, client: httpx.Client) -> None:
        credit = create(client, amount=8_000)
        debit = create(client, amount=1_000, payment_method="debit_card")
        foreign = create(client, amount=700, currency="USD")
        payables_of(api.core, client, credit, debit, foreign)

        answer = client.get("/balance").json()

        assert answer["time_zone"] == "UTC"
        assert answer["balances"] == [
            {"currency": "BRL", "pending": 7_600, "available": 970, **_NOTHING},
            {"currency": "USD", "pending": 665, "available": 0, **_NOTHING},
        ]

    def test_becomes_available_on_the_due_date(self, api: Api, client: httpx.Client, in_a_month: Core) -> None:
        [payable] = payables_of(api.core, client, create(client, amount=8_000))

        in_a_month.settle_payables(due_on=datetime.fromisoformat(payable["payment_date"]).date())

        [balance] = client.get("/balance").json()["balances"]
        assert (balance["pending"], balance["available"]) == (0, 7_600)

    def test_of_a_merchant_without_payables_is_empty(self, client: httpx.Client, merchant: str) -> None:
        assert client.get("/balance").json() == {"customer_id": merchant, "time_zone": "UTC", "balances": []}

    def test_is_its_merchants_alone(self, api: Api, client: httpx.Client, merchant: str) -> None:
        payables_of(api.core, client, create(client))

        with api.client(f"{merchant}-2") as other:
            assert other.get("/balance").json()["balances"] == []
            assert other.get("/balance/transactions").json() == []

    def test_has_an_etag(self, api: Api, client: httpx.Client) -> None:
        payables_of(api.core, client, create(client))
        etag = client.get("/balance").headers["ETag"]

        assert client.get("/balance", headers={"If-None-Match": etag}).status_code == 304
        payables_of(api.core, client, create(client))
        assert client.get("/balance", headers={"If-None-Match": etag}).status_code == 200
        assert client.head("/balance").status_code == 200

    def test_takes_no_parameter(self, client: httpx.Client) -> None:
        assert problems(client.get("/balance?currency=BRL")) == {("query:currency", "unknown_parameter")}

    def test_is_a_503_until_what_existed_is_booked(self, api: Api, client: httpx.Client) -> None:
        execute(api.core.settings, "INSERT INTO ledger_state (opened_until) VALUES (gen_random_uuid())")
        try:
            answer = client.get("/balance")
        finally:
            execute(api.core.settings, "DELETE FROM ledger_state")

        assert (answer.status_code, answer.json()["code"]) == (503, "ledger_not_open")
        assert answer.headers["Retry-After"] == "60"


class TestItsTransactions:
    def test_are_payables_with_their_source(self, api: Api, client: httpx.Client, merchant: str) -> None:
        created = create(client, amount=8_000)
        [payable] = payables_of(api.core, client, created)

        assert client.get("/balance/transactions").json() == [
            {
                "id": payable["id"],
                "customer_id": merchant,
                "type": "credit",
                "amount": 8_000,
                "fee_amount": 400,
                "net_amount": 7_600,
                "currency": "BRL",
                "status": "waiting_funds",
                "available_on": payable["payment_date"][:10],
                "source_type": "transaction",
                "source_id": created["id"],
                "settlement_id": None,
                "created_at": payable["created_at"],
            }
        ]

    def test_are_paged_without_a_gap(self, api: Api, client: httpx.Client) -> None:
        batch = client.post("/transactions/batch", json=[a_body(amount=amount) for amount in range(1, 8)]).json()
        payables_of(api.core, client, *batch)

        found = everything(client, "/balance/transactions?limit=2")

        assert sorted(row["amount"] for row in found) == list(range(1, 8))
        assert [row["id"] for row in found] == sorted((row["id"] for row in found), reverse=True)

    def test_add_up_to_the_balance(self, api: Api, client: httpx.Client) -> None:
        batch = client.post(
            "/transactions/batch",
            json=[a_body(amount=amount, payment_method=method) for amount in (999, 1_001) for method in
                  ("credit_card", "debit_card")],
        ).json()  # fmt: skip
        payables_of(api.core, client, *batch)

        [balance] = client.get("/balance").json()["balances"]
        rows = everything(client, "/balance/transactions")
        sums = {status: sum(row["net_amount"] for row in rows if row["status"] == status) for status in
                ("waiting_funds", "paid")}  # fmt: skip

        assert sums == {"waiting_funds": balance["pending"], "paid": balance["available"]}

    def test_may_be_of_a_time(self, api: Api, client: httpx.Client) -> None:
        [payable] = payables_of(api.core, client, create(client))

        at = payable["created_at"]

        assert len(client.get("/balance/transactions", params={"created_at[gte]": at}).json()) == 1
        assert client.get("/balance/transactions", params={"created_at[lt]": at}).json() == []
        assert problems(client.get("/balance/transactions?amount=1")) == {("query:amount", "unknown_parameter")}
