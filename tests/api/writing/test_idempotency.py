"""A request that is sent twice takes effect once."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.api.bodies import a_body, problems
from tests.api.server import Api


class TestAnIdempotencyKey:
    def test_gives_the_first_answer_again(self, client: httpx.Client) -> None:
        key = {"Idempotency-Key": '"order-66"'}
        first = client.post("/transactions", json=a_body(), headers=key)

        again = client.post("/transactions", json=a_body(), headers=key)

        assert (again.status_code, again.content) == (201, first.content)
        assert again.headers["Idempotent-Replayed"] == "true"
        assert "Idempotent-Replayed" not in first.headers
        assert len(client.get("/transactions").json()) == 1

    def test_is_the_same_quoted_or_bare(self, client: httpx.Client) -> None:
        first = client.post("/transactions", json=a_body(), headers={"Idempotency-Key": '"a"'})

        again = client.post("/transactions", json=a_body(), headers={"Idempotency-Key": "a"})

        assert again.json() == first.json()

    @pytest.mark.parametrize("change", [{"amount": 1}, {"card_number": "4242424242424242"}, {"reference": "x"}])
    def test_belongs_to_one_body(self, client: httpx.Client, change: dict[str, object]) -> None:
        client.post("/transactions", json=a_body(), headers={"Idempotency-Key": "a"})

        other = client.post("/transactions", json=a_body(**change), headers={"Idempotency-Key": "a"})

        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
        assert len(client.get("/transactions").json()) == 1

    def test_belongs_to_one_route(self, client: httpx.Client) -> None:
        client.post("/transactions", json=a_body(), headers={"Idempotency-Key": "a"})

        other = client.post("/transactions/batch", json=[a_body()], headers={"Idempotency-Key": "a"})

        assert other.json()["code"] == "idempotency_key_reused"

    def test_belongs_to_one_merchant(self, api: Api, client: httpx.Client, merchant: str) -> None:
        client.post("/transactions", json=a_body(), headers={"Idempotency-Key": "a"})
        with api.client(f"{merchant}-2") as other:
            answer = other.post("/transactions", json=a_body(), headers={"Idempotency-Key": "a"})

        assert answer.json()["customer_id"] == f"{merchant}-2"

    def test_is_not_used_up_by_a_refused_request(self, client: httpx.Client) -> None:
        refused = client.post("/transactions", json=a_body(amount=0), headers={"Idempotency-Key": "a"})

        accepted = client.post("/transactions", json=a_body(), headers={"Idempotency-Key": "a"})

        assert (refused.status_code, accepted.status_code) == (422, 201)
        assert "Idempotent-Replayed" not in accepted.headers

    @pytest.mark.parametrize("key", ["x" * 255, '"' + "x" * 255 + '"', r'"a \"quoted\" \\ word"'])
    def test_may_be_long_or_odd(self, client: httpx.Client, key: str) -> None:
        first = client.post("/transactions", json=a_body(), headers={"Idempotency-Key": key})

        again = client.post("/transactions", json=a_body(), headers={"Idempotency-Key": key})

        assert first.status_code == 201
        assert again.headers["Idempotent-Replayed"] == "true"

    @pytest.mark.parametrize("key", ["", '""', '"', '"a', "x" * 256, '"' + "x" * 256 + '"', "caf\u00e9"])
    def test_must_be_1_to_255_visible_characters(self, client: httpx.Client, key: str) -> None:
        headers = [(b"Idempotency-Key", key.encode("latin-1"))]

        answer = client.post("/transactions", json=a_body(), headers=headers)

        assert problems(answer) == {("header:idempotency-key", "wrong_format")}

    def test_lets_one_of_many_requests_at_once_through(self, client: httpx.Client) -> None:
        def post(_: int) -> httpx.Response:
            return client.post("/transactions", json=a_body(), headers={"Idempotency-Key": "a"})

        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(post, range(64)))

        assert {answer.status_code for answer in answers} <= {201, 409}
        created = [answer for answer in answers if answer.status_code == 201]
        assert len({answer.content for answer in created}) == 1
        assert Counter("Idempotent-Replayed" in answer.headers for answer in created)[False] == 1
        for answer in answers:
            if answer.status_code == 409:
                assert answer.json()["code"] == "request_in_progress"
                assert int(answer.headers["Retry-After"]) >= 1
        assert len(client.get("/transactions").json()) == 1
