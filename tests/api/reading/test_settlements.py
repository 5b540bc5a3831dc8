"""Settlements: what was paid, by date and by whether it is complete."""

from __future__ import annotations

from datetime import UTC, date, datetime

import httpx

from psp_core.bootstrap import Core
from tests.api.bodies import amounts, create, payables_of, problems
from tests.api.server import Api
from tests.killed import settle_one_and_die

FAR = datetime(2999, 1, 1, tzinfo=UTC)


class TestSettlements:
    def test_show_what_was_paid_and_lead_to_its_payables(
        self, api: Api, client: httpx.Client, in_a_month: Core
    ) -> None:
        created = [create(client, amount=amount) for amount in (2500, 999)]
        [payable, _] = payables_of(api.core, client, *created)
        due_on = datetime.fromisoformat(payable["payment_date"]).date()

        in_a_month.settle_payables(due_on=due_on)

        [settlement] = client.get("/settlements", params={"due_date[gte]": due_on.isoformat()}).json()
        assert settlement["status"] == "closed"
        assert settlement["due_date"] == due_on.isoformat()
        assert (settlement["amount"], settlement["fee_amount"], settlement["receivable_amount"]) == (3499, 174, 3325)
        assert settlement["payables"] == 2
        assert client.get(f"/settlements/{settlement['id']}").json() == settlement
        assert client.get("/settlements", params={"due_date[lt]": due_on.isoformat()}).json() == []
        assert client.get("/settlements", params={"due_date": due_on.isoformat()}).json() == [settlement]
        assert client.get("/settlements", params={"due_date": "2020-01-01"}).json() == []
        paid = client.get("/payables", params={"settlement_id": settlement["id"]}).json()
        assert {item["transaction_id"] for item in paid} == {item["id"] for item in created}
        assert {item["status"] for item in paid} == {"paid"}
        assert amounts(client.get("/transactions?status=paid")) == [999, 2500]

    def test_are_chosen_by_whether_they_are_complete(self, api: Api, client: httpx.Client, in_a_month: Core) -> None:
        [first, second] = [create(client, currency=currency) for currency in ("BRL", "EUR")]
        payable, _ = payables_of(api.core, client, first, second)
        due_on = date.fromisoformat(payable["due_on"])
        settle_one_and_die(in_a_month.settle_payables, due_on, merchants=[first["customer_id"]])
        [half] = client.get("/settlements").json()

        assert client.get("/settlements?status=open").json() == [half]
        assert client.get("/settlements?status=closed").json() == []
        in_a_month.settle_payables(due_on=due_on)
        assert client.get("/settlements?status=open").json() == []
        assert len(client.get("/settlements?status=closed").json()) == 2
        assert problems(client.get("/settlements?status=paid")) == {("query:status", "not_allowed")}
