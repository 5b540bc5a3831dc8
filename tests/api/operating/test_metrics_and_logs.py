"""What operators see: metrics added up over workers, one log line a request, and nothing of a card anywhere."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import create_engine

from psp_core.adapters.postgres.schema.migrate import migrate
from psp_core.adapters.postgres.schema.tables import metadata
from psp_core.bootstrap import build_core
from psp_core.settings import Settings
from psp_local.postgres import EmbeddedPostgres
from psp_local.supervision.processes import wait_until
from tests.api.bodies import CARD_NUMBER, a_body, create
from tests.api.server import Api, api_program, requests_in
from tests.logins import api_urls, make_logins
from tests.reach import create_queues


def sample(text: str, name: str) -> float:
    """Return the value of a sample, or the sum of all series that begin so."""
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name))


@pytest.fixture
def two_workers(
    postgres: EmbeddedPostgres, api_settings: Settings, api_environment: dict[str, str], tmp_path: Path
) -> Iterator[Api]:
    """An API of two workers with a database of its own, so that nobody else relays for it."""
    postgres.create_database("psp_two_workers")
    database_url = postgres.url("psp_two_workers")
    own = {**api_urls(database_url), "PSP_SQS_QUEUE_NAME": "two-workers"}
    migrate(database_url)
    make_logins(database_url)
    core = build_core(
        api_settings.model_copy(
            update={"database_url": SecretStr(database_url), "sqs_queue_name": own["PSP_SQS_QUEUE_NAME"]}
        )
    )
    create_queues(core)
    program, url = api_program(tmp_path, environment={**api_environment, **own}, workers=2)
    with program:
        yield Api(url, core, program.log_file)
    core.store.close()


class TestMetrics:
    def test_are_added_up_over_the_workers(self, two_workers: Api, merchant: str) -> None:
        for number in range(40):
            with two_workers.client(merchant) as client:
                create(client, amount=number + 1)
        with two_workers.client(merchant) as client:
            client.get(f"/transactions/{uuid.uuid4()}")
            client.get("/nowhere")

            def text() -> str:
                return client.get("/metrics").text

            posts = 'psp_http_request_seconds_count{method="POST",route="/transactions",status="201"}'
            assert {sample(text(), posts) for _ in range(20)} == {40}
            assert sample(text(), "psp_group_commit_transactions_sum") == 40
            assert sample(text(), 'psp_http_request_seconds_count{method="GET",route="/transactions/{id}",') == 1
            assert sample(text(), 'psp_http_request_seconds_count{method="GET",route="none",status="404"}') == 1
            assert wait_until(lambda: sample(text(), "psp_relay_transactions_total") == 40, timeout_s=30)
            assert sample(text(), "psp_relay_failures_total") == 0
            assert sample(text(), "psp_outbox_entries") == 0
            assert sample(text(), "psp_database_up") == 1


class TestTheLog:
    def test_has_one_line_for_each_request(self, api: Api, client: httpx.Client, merchant: str) -> None:
        id = f"test-{merchant}"
        client.get(f"/payables/{uuid.uuid4()}", headers={"Request-Id": id})

        def lines() -> list[dict[str, Any]]:
            return [line for line in requests_in(api) if line["request_id"] == id]

        assert wait_until(lambda: len(lines()) == 1, timeout_s=10)
        [line] = lines()
        assert line.pop("duration_ms") > 0
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", line.pop("timestamp"))
        assert line == {
            "event": "request",
            "level": "info",
            "request_id": id,
            "merchant": merchant,
            "method": "GET",
            "route": "/payables/{id}",
            "status": 404,
        }

    def test_has_the_last_request_when_the_server_stops(
        self, api_environment: dict[str, str], tmp_path: Path, merchant: str
    ) -> None:
        program, url = api_program(tmp_path, environment=api_environment)
        with program:
            httpx.get(f"{url}/payables", headers={"x-customer-id": merchant, "Request-Id": "the-last"})

        assert '"request_id":"the-last"' in program.log_file.read_text()

    def test_says_what_broke_without_the_request(self, api: Api) -> None:
        assert '"level": "error"' not in api.log_file.read_text()


class TestCardData:
    def test_is_nowhere_beyond_the_last_four_digits(
        self, api: Api, client: httpx.Client, api_settings: Settings
    ) -> None:
        code = "7319"
        number = "5555555555554444"
        key = {"Idempotency-Key": "card"}
        for body in (
            a_body(card_number=number, card_verification_code=code),
            a_body(card_number=number, card_verification_code=code, amount="wrong"),
            a_body(card_number=f"{number}1", card_verification_code=code),
            a_body(card_number=number, description=f"my card is {number}"),
        ):
            answer = client.post("/transactions", json=body, headers=key)
            assert number not in answer.text
            assert code not in answer.text.replace(answer.json().get("id", "-"), "")
        client.post(
            "/transactions", content=f'{{"card_number": "{number}",', headers={"Content-Type": "application/json"}
        )
        client.get(f"/transactions/{number}?reference={number}&card={number}", headers={"Request-Id": number})
        client.get("/payables", headers={"Request-Id": "the-last"})
        assert wait_until(lambda: any(line["request_id"] == "the-last" for line in requests_in(api)), timeout_s=10)

        everything = _dump(api_settings) + api.log_file.read_text() + str(api.core.queue.receive(wait_s=0))

        assert number not in everything
        assert CARD_NUMBER not in everything
        assert f'"card_verification_code": "{code}"' not in everything


def _dump(settings: Settings) -> str:
    """Return every value of every table as text, stored answers included."""
    engine = create_engine(settings.database_url.get_secret_value())
    with engine.connect() as connection:
        rows = [row for table in metadata.sorted_tables for row in connection.execute(table.select())]
    engine.dispose()
    return "\n".join(str(bytes(value) if isinstance(value, memoryview) else value) for row in rows for value in row)


class TestWhatIsForOperators:
    @pytest.mark.parametrize("path", ["/metrics", "/metrics/", "/%6detrics", "/health/live", "/health/ready"])
    @pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "Via"])
    def test_is_nothing_for_who_comes_through_a_proxy(self, client: httpx.Client, path: str, header: str) -> None:
        assert client.get(path).status_code == 200

        forwarded = client.get(path, headers={header: "192.0.2.1"})

        assert (forwarded.status_code, forwarded.json()["code"]) == (404, "no_such_path")
