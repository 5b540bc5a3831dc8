"""Rate limits: off unless asked for, by merchant, and told with every answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from psp_api.access.rate_limits import WINDOW_S, RateLimits
from tests.api.bodies import a_body
from tests.api.server import Api, api_program


@pytest.fixture
def limited(api: Api, api_environment: dict[str, str], tmp_path: Path) -> Iterator[Api]:
    environment = {**api_environment, "PSP_API_RATE_LIMIT_PER_MINUTE": "5"}
    program, url = api_program(tmp_path, environment=environment)
    with program:
        yield Api(url, api.core, program.log_file)


class TestARateLimit:
    def test_refuses_what_is_too_much_and_stores_nothing_of_it(self, limited: Api, merchant: str) -> None:
        with limited.client(merchant) as client:
            answers = [client.post("/transactions", json=a_body()) for _ in range(8)]

        # All of it may fall into two windows, but never into three.
        accepted = [answer for answer in answers if answer.status_code == 201]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert len(accepted) + len(refused) == 8
        assert 5 <= len(accepted) < 8
        assert all(answer.headers["RateLimit-Policy"] == f'"merchant";q=5;w={WINDOW_S}' for answer in answers)
        assert accepted[0].headers["RateLimit"].startswith('"merchant";r=4;t=')
        for answer in refused:
            assert answer.json()["code"] == "rate_limited"
            assert answer.headers["RateLimit"].startswith('"merchant";r=0;t=')
            assert 1 <= int(answer.headers["Retry-After"]) <= WINDOW_S
        with limited.client(f"{merchant}-2") as other:
            assert other.get("/transactions").status_code == 200

    def test_counts_a_batch_by_its_rows(self, limited: Api, merchant: str) -> None:
        with limited.client(merchant) as client:
            answers = [client.post("/transactions/batch", json=[a_body()] * 4) for _ in range(3)]
            after = client.get("/transactions/00000000-0000-0000-0000-000000000000")
        with limited.client(f"{merchant}-2") as other:
            assert other.get("/transactions").json() == []
            too_large = other.post("/transactions/batch", json=[a_body()] * 6)

        # Two windows at most: two of the three are stored, or one.
        assert 1 <= [answer.status_code for answer in answers].count(201) <= 2
        assert 429 in {answer.status_code for answer in answers}
        assert after.status_code in {404, 429}
        assert too_large.status_code == 429
        assert too_large.json()["detail"].endswith("; nothing was stored")
        assert int(too_large.headers["RateLimit"].split("r=")[1].split(";")[0]) == 0

    def test_counts_a_list_by_the_rows_that_it_walks_over(self, limited: Api, merchant: str) -> None:
        with limited.client(merchant) as client:
            answer = client.get("/payables?limit=200&page=6")
        with limited.client(f"{merchant}-2") as other:
            near = other.get("/payables?limit=200&page=2")

        assert answer.status_code == 429
        assert "stored" not in answer.text
        assert near.headers["RateLimit"].startswith('"merchant";r=3;t=')

    def test_lets_them_wait_who_ask_on_so_that_their_refusals_cost_others_little(
        self, limited: Api, merchant: str
    ) -> None:
        with limited.client(merchant) as client:
            answers = [client.get("/transactions") for _ in range(12)]

        accepted = min(answer.elapsed for answer in answers if answer.status_code == 200)
        refused = min(answer.elapsed for answer in answers if answer.status_code == 429)
        assert refused / accepted > 2

    def test_is_off_unless_asked_for(self, client: httpx.Client) -> None:
        assert "RateLimit" not in client.get("/transactions").headers


class TestRateLimits:
    def test_begin_again_with_every_window(self) -> None:
        now_s = 59.0
        limits = RateLimits(2, clock_s=lambda: now_s)

        assert [limits.take("a") for _ in range(3)] == [(1, 1), (0, 1), (-1, 1)]
        assert limits.take("b") == (1, 1)
        now_s = 60.0
        assert limits.take("a") == (1, 60)
        assert limits.take("a", rows=3) == (-2, 60)

    def test_are_kept_for_so_many_merchants_and_no_more(self) -> None:
        limits = RateLimits(2, clock_s=lambda: 0.0)

        for number in range(20_000):
            limits.take(str(number))

        assert len(limits._counts) == 10_000
