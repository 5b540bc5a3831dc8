"""`/settlements/{id}/lines`: what a settlement is made of, and what balances it."""

from __future__ import annotations

from datetime import date
from typing import Any

import httpx
import pytest

from psp_core.bootstrap import Core
from tests.api.bodies import NOT_AN_ID, create, everything, payables_of, problems
from tests.api.server import Api
from tests.killed import settle_one_and_die


@pytest.fixture
def due_on(api: Api, client: httpx.Client) -> date:
    """The date on which three sales are due, of one of which 100 were given back."""
    sales = [create(client, amount=amount) for amount in (1_000, 2_000, 3_000)]
    [payable, *_] = payables_of(api.core, client, *sales)
    client.post(f"/transactions/{sales[0]['id']}/refunds", json={"amount": 100})
    return date.fromisoformat(payable["due_on"])


@pytest.fixture
def settlement(client: httpx.Client, in_a_month: Core, due_on: date) -> dict[str, Any]:
    in_a_month.settle_payables(due_on=due_on)
    [settled] = client.get("/settlements").json()
    return dict(settled)


class TestLines:
    def test_are_of_payables_and_then_what_balances_them(
        self, client: httpx.Client, settlement: dict[str, Any]
    ) -> None:
        lines = client.get(f"/settlements/{settlement['id']}/lines").json()

        assert [(line["type"], line["amount"], line["fee_amount"], line["net_amount"]) for line in lines] == [
            ("Settled", 1_000, 50, 950),
            ("Settled", 2_000, 100, 1_900),
            ("Settled", 3_000, 150, 2_850),
            ("Refunded", -100, -5, -95),
            ("MerchantPayout", None, None, -5_605),
        ]
        assert sum(line["net_amount"] for line in lines) == 0
        paid = {row["id"] for row in client.get(f"/payables?settlement_id={settlement['id']}").json()}
        assert {line["payable_id"] for line in lines} == {*paid, None}

    def test_come_a_page_at_a_time(self, client: httpx.Client, settlement: dict[str, Any]) -> None:
        path = f"/settlements/{settlement['id']}/lines"

        assert everything(client, f"{path}?limit=2") == client.get(path).json()
        assert len(client.get(f"{path}?limit=2").json()) == 2
        assert problems(client.get(f"{path}?page=1")) == {("query:page", "unknown_parameter")}

    def test_are_the_report_as_csv(self, client: httpx.Client, settlement: dict[str, Any]) -> None:
        path = f"/settlements/{settlement['id']}"

        as_csv = client.get(f"{path}/lines", headers={"Accept": "text/csv"})

        assert as_csv.content == client.get(f"{path}/report?format=csv").content
        assert as_csv.headers["Content-Type"].startswith("text/csv")
        assert client.get(f"{path}/lines", headers={"Accept": "image/png"}).status_code == 406

    def test_are_not_there_while_it_is_open_nor_for_others(
        self, api: Api, client: httpx.Client, merchant: str, in_a_month: Core, due_on: date
    ) -> None:
        settle_one_and_die(in_a_month.settle_payables, due_on, merchants=[merchant])
        [half] = client.get("/settlements").json()

        assert client.get(f"/settlements/{half['id']}/lines").json()["code"] == "settlement_open"
        with api.client(f"{merchant}-2") as other:
            assert other.get(f"/settlements/{half['id']}/lines").status_code == 404
        assert client.get(f"/settlements/{NOT_AN_ID}/lines").status_code == 404
        in_a_month.settle_payables(due_on=due_on)
