"""`/transactions/{id}/refunds` and `/refunds`: money is given back over HTTP, once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import httpx
import pytest

from psp_core.bootstrap import Core
from tests.api.bodies import CARD_NUMBER, NOT_AN_ID, create, payables_of, problems
from tests.api.server import Api


@pytest.fixture
def sale(api: Api, client: httpx.Client) -> dict[str, Any]:
    """A sale of 8,000 whose payable is made."""
    created = create(client, amount=8_000)
    payables_of(api.core, client, created)
    return created


def give_back(client: httpx.Client, sale: dict[str, Any], **body: Any) -> httpx.Response:
    key = {"Idempotency-Key": body.pop("key")} if "key" in body else {}
    return client.post(f"/transactions/{sale['id']}/refunds", json=body, headers=key)


class TestARefund:
    def test_is_answered_with_its_payables(self, client: httpx.Client, merchant: str, sale: dict[str, Any]) -> None:
        [credit] = client.get(f"/transactions/{sale['id']}/payables").json()

        answer = give_back(client, sale, amount="2000", reason="one was broken", reference="return-7")

        assert answer.status_code == 201
        refund = answer.json()
        [payable] = refund.pop("payables")
        assert refund == {
            "id": refund["id"],
            "transaction_id": sale["id"],
            "customer_id": merchant,
            "status": "succeeded",
            "amount": 2_000,
            "fee_returned": 100,
            "currency": "BRL",
            "reason": "one was broken",
            "reference": "return-7",
            "failure_reason": None,
            "created_at": refund["created_at"],
            "updated_at": refund["created_at"],
        }
        assert payable == {
            **credit,
            "id": payable["id"],
            "type": "refund",
            "source_id": refund["id"],
            "amount": -2_000,
            "fee_amount": -100,
            "receivable_amount": -1_900,
            "created_at": refund["created_at"],
            "updated_at": refund["created_at"],
        }
        assert client.get(f"/refunds/{refund['id']}").json() == refund
        assert client.get("/refunds").json() == [refund]

    def test_without_an_amount_is_of_all_that_is_left(self, client: httpx.Client, sale: dict[str, Any]) -> None:
        give_back(client, sale, amount=3_000)

        assert give_back(client, sale).json()["amount"] == 5_000
        assert give_back(client, sale).json()["code"] == "already_refunded"

    def test_leaves_sums_over_payables_right(self, client: httpx.Client, sale: dict[str, Any]) -> None:
        give_back(client, sale, amount=2_000)

        rows = client.get("/payables").json()
        [balance] = client.get("/balance").json()["balances"]
        assert sum(row["receivable_amount"] for row in rows) == balance["pending"] == 5_700
        assert [row["type"] for row in client.get("/payables?type=refund").json()] == ["refund"]
        moved = client.get("/balance/transactions").json()
        assert [(row["source_type"], row["net_amount"]) for row in moved] == [
            ("refund", -1_900),
            ("transaction", 7_600),
        ]

    def test_is_found_by_what_it_is_of(self, api: Api, client: httpx.Client, sale: dict[str, Any]) -> None:
        other = create(client, amount=100)
        payables_of(api.core, client, other)
        first = give_back(client, sale, amount=1, reference="a").json()
        second = give_back(client, other, amount=2).json()

        def found(query: str) -> list[str]:
            return [row["id"] for row in client.get(f"/refunds?{query}").json()]

        assert found("") == [second["id"], first["id"]]
        assert found(f"transaction_id={sale['id']}") == [first["id"]]
        assert found("reference=a") == [first["id"]]
        assert found("status=failed") == []
        assert found("limit=1&page=2") == [first["id"]]
        assert found(f"created_at[gte]={second['created_at']}")[0] == second["id"]
        assert [row["amount"] for row in client.get(f"/payables?source_id={first['id']}").json()] == [-1]
        assert [row["amount"] for row in client.get(f"/payables?source_id={sale['id']}").json()] == [8_000]

    def test_that_fails_is_told_with_its_reason(self, api: Api, client: httpx.Client, sale: dict[str, Any]) -> None:
        refund = give_back(client, sale).json()

        api.core.fail_refund(refund["id"], reason="the card is closed")

        failed = client.get(f"/refunds/{refund['id']}").json()
        assert (failed["status"], failed["failure_reason"]) == ("failed", "the card is closed")
        mirror = client.get(f"/payables?source_id={refund['id']}&type=refund_reversal").json()
        assert [row["receivable_amount"] for row in mirror] == [7_600]

    def test_after_the_settlement_takes_from_what_is_available(
        self, client: httpx.Client, sale: dict[str, Any], in_a_month: Core
    ) -> None:
        [credit] = client.get(f"/transactions/{sale['id']}/payables").json()
        in_a_month.settle_payables(due_on=date.fromisoformat(credit["due_on"]))
        [taken] = give_back(client, sale, amount=2_000).json()["payables"]
        in_a_month.settle_payables(due_on=date.fromisoformat(taken["due_on"]))

        below, above = sorted(client.get("/settlements").json(), key=lambda row: int(row["receivable_amount"]))

        where = ("receivable_amount", "to_available", "recovered", "from_available", "carried")
        assert [above[name] for name in where] == [7_600, 7_600, 0, 0, 0]
        assert [below[name] for name in where] == [-1_900, 0, 0, 1_900, 0]
        [balance] = client.get("/balance").json()["balances"]
        assert (balance["pending"], balance["available"], balance["debt"]) == (0, 5_700, 0)
        report = client.get(f"/settlements/{below['id']}/report").text
        assert '"Refunded"' in report
        assert '"FromAvailable"' in report


class TestAKey:
    def test_gives_the_first_answer_again(self, client: httpx.Client, sale: dict[str, Any]) -> None:
        first = give_back(client, sale, amount=100, key="a")

        again = give_back(client, sale, amount="100", reason=None, key="a")

        assert again.content == first.content
        assert again.headers["Idempotent-Replayed"] == "true"
        assert "Idempotent-Replayed" not in first.headers

    def test_belongs_to_one_request(self, client: httpx.Client, sale: dict[str, Any]) -> None:
        give_back(client, sale, amount=100, key="a")

        for body in ({"amount": 101}, {}, {"amount": 100, "reason": "another"}):
            answer = give_back(client, sale, **body, key="a")
            assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")

    def test_makes_one_of_many_at_once(self, client: httpx.Client, sale: dict[str, Any]) -> None:
        with ThreadPoolExecutor(10) as threads:
            answers = list(threads.map(lambda _: give_back(client, sale, amount=100, key="a"), range(20)))

        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.content for answer in answers}) == 1
        assert len(client.get("/refunds").json()) == 1


class TestARefundIsRefused:
    def test_above_what_is_left(self, client: httpx.Client, sale: dict[str, Any]) -> None:
        answer = give_back(client, sale, amount=8_001)

        assert (answer.status_code, answer.json()["code"]) == (422, "refund_exceeds_captured")
        assert client.get("/refunds").json() == []

    def test_of_anothers_or_nobodys(self, api: Api, client: httpx.Client, merchant: str, sale: dict[str, Any]) -> None:
        refund = give_back(client, sale).json()
        with api.client(f"{merchant}-2") as other:
            assert give_back(other, sale).status_code == 404
            assert other.get(f"/refunds/{refund['id']}").status_code == 404
            assert other.get("/refunds").json() == []
            assert other.get(f"/payables?source_id={refund['id']}").json() == []
        assert give_back(client, {"id": NOT_AN_ID}).status_code == 404
        assert give_back(client, {"id": "7"}).status_code == 404

    def test_for_everything_that_is_wrong_with_it_at_once(self, client: httpx.Client, sale: dict[str, Any]) -> None:
        answer = client.post(
            f"/transactions/{sale['id']}/refunds?a=1",
            json={"amount": 0, "reason": CARD_NUMBER, "reference": "", "unknown": CARD_NUMBER},
            headers={"Idempotency-Key": '"'},
        )

        assert problems(answer) == {
            ("header:idempotency-key", "wrong_format"),
            ("query:a", "unknown_parameter"),
            ("/amount", "out_of_range"),
            ("/reason", "card_number_in_text"),
            ("/reference", "too_short"),
            ("/unknown", "card_number_in_text"),
        }
        assert CARD_NUMBER not in answer.text

    def test_when_it_is_no_json(self, client: httpx.Client, sale: dict[str, Any]) -> None:
        path = f"/transactions/{sale['id']}/refunds"

        assert client.post(path, content=b"{", headers={"Content-Type": "application/json"}).status_code == 400
        assert client.post(path, content=b"{}", headers={"Content-Type": "text/plain"}).status_code == 415
        assert client.get(path).status_code == 405
