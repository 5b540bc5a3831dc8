"""The batch: all of them or none."""

from __future__ import annotations

import json
from itertools import count

import httpx
import pytest

from psp_api.intake.transaction_body import BATCH_TRANSACTIONS_MAX, read_batch
from psp_api.server.activity import Activity, Pace
from psp_api.server.wire.request_hash import request_hash
from tests.api.bodies import a_body, everything, payables_of, problems
from tests.api.server import Api


class TestABatch:
    def test_stores_all_in_the_order_they_were_sent(self, client: httpx.Client) -> None:
        answer = client.post("/transactions/batch", json=[a_body(amount=amount) for amount in (1, 2, 3)])

        assert answer.status_code == 201
        assert [item["amount"] for item in answer.json()] == [1, 2, 3]
        assert client.get("/transactions").json() == answer.json()[::-1]

    def test_stores_none_when_one_is_wrong_and_names_every_problem_by_index(self, client: httpx.Client) -> None:
        bodies = [a_body(), a_body(amount=0, card_number="1"), a_body(), a_body(description=...), 5]

        answer = client.post("/transactions/batch", json=bodies)

        assert problems(answer) == {
            ("/1/amount", "out_of_range"),
            ("/1/card_number", "wrong_format"),
            ("/3/description", "required"),
            ("/4", "wrong_type"),
        }
        assert client.get("/transactions").json() == []

    def test_has_one_idempotency_key_for_the_whole(self, client: httpx.Client) -> None:
        bodies = [a_body(amount=amount) for amount in (1, 2)]
        first = client.post("/transactions/batch", json=bodies, headers={"Idempotency-Key": "a"})

        again = client.post("/transactions/batch", json=bodies, headers={"Idempotency-Key": "a"})
        other = client.post("/transactions/batch", json=bodies[::-1], headers={"Idempotency-Key": "a"})

        assert (again.status_code, again.content) == (201, first.content)
        assert again.headers["Idempotent-Replayed"] == "true"
        assert other.json()["code"] == "idempotency_key_reused"
        assert len(client.get("/transactions").json()) == 2

    def test_that_is_large_is_repeated_byte_by_byte(self, client: httpx.Client) -> None:
        bodies = [a_body(amount=100 + n) for n in range(100)]
        first = client.post("/transactions/batch", json=bodies, headers={"Idempotency-Key": "a"})

        again = client.post("/transactions/batch", json=bodies, headers={"Idempotency-Key": "a"})

        assert (again.status_code, again.content) == (201, first.content)

    def test_becomes_payables(self, api: Api, client: httpx.Client) -> None:
        created = client.post("/transactions/batch", json=[a_body(amount=100 + n) for n in range(20)]).json()

        payables = payables_of(api.core, client, *created)

        assert sum(item["amount"] for item in payables) == sum(100 + n for n in range(20))

    def test_may_have_a_thousand(self, client: httpx.Client) -> None:
        answer = client.post("/transactions/batch", json=[a_body()] * BATCH_TRANSACTIONS_MAX)

        assert answer.status_code == 201
        assert len({item["id"] for item in everything(client, "/transactions?limit=200")}) == 1000

    @pytest.mark.parametrize(("count", "code"), [(0, "too_few"), (BATCH_TRANSACTIONS_MAX + 1, "too_many")])
    def test_may_not_have_more_or_none(self, client: httpx.Client, count: int, code: str) -> None:
        answer = client.post("/transactions/batch", json=[a_body()] * count)

        assert problems(answer) == {("", code)}
        assert client.get("/transactions").json() == []

    def test_must_be_an_array(self, client: httpx.Client) -> None:
        assert problems(client.post("/transactions/batch", json=a_body())) == {("", "wrong_type")}


class TestTheWorkOfABatch:
    def test_rests_again_and_again_beside_others(self) -> None:
        activity = Activity()
        for merchant in ("greedy", "modest"):
            activity.see(merchant, now_s=0.0)
        rests_s: list[float] = []
        # Each look at the clock finds a second of work.
        pace = Pace(activity, worked_s=map(float, count()).__next__, rest=rests_s.append)
        rows = 640

        bodies = read_batch(json.dumps([a_body()] * rows).encode(), [], pace=pace)
        assert bodies is not None
        while_reading = len(rests_s)
        request_hash("/transactions/batch", bodies, through=pace.through)

        assert while_reading >= 20
        assert len(rests_s) >= while_reading + 10
