"""What merchants see while the database or the queue is down, and afterwards, without a restart."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from psp_core.adapters.postgres.schema.migrate import migrate
from psp_core.bootstrap import build_core
from psp_core.settings import Settings
from psp_local.ports import free_port
from psp_local.postgres import EmbeddedPostgres
from psp_local.sqs import EmbeddedSqs
from psp_local.supervision.processes import wait_until, working_in
from tests.api.bodies import a_body, create, everything, payables_of
from tests.api.server import Api, api_program
from tests.folders import open_folder
from tests.logins import api_urls, make_logins
from tests.reach import create_queues

# Two seconds on a quiet machine; the database that it waits for stays away for good.
SOON_S = 20


@pytest.fixture
def own_postgres() -> Iterator[EmbeddedPostgres]:
    # Durable, unlike other tests': on a busy machine a stop may end in a kill, and what was answered is looked for.
    with open_folder() as folder, EmbeddedPostgres(folder / "postgres", free_port()) as server:
        server.create_database("psp")
        migrate(server.url("psp"))
        make_logins(server.url("psp"))
        yield server


@pytest.fixture
def own_sqs(tmp_path: Path) -> Iterator[EmbeddedSqs]:
    with EmbeddedSqs(tmp_path / "sqs", free_port()) as server:
        yield server


@pytest.fixture
def own_api(own_postgres: EmbeddedPostgres, own_sqs: EmbeddedSqs, tmp_path: Path) -> Iterator[Api]:
    url = own_postgres.url("psp")
    settings = Settings(
        database_url=url, sqs_endpoint_url=own_sqs.endpoint_url, drain_linger_s=0, drain_receive_wait_s=0
    )
    core = build_core(settings)
    create_queues(core)
    environment = {**api_urls(url), "PSP_SQS_ENDPOINT_URL": own_sqs.endpoint_url}
    program, address = api_program(tmp_path, environment=environment)
    with program:
        yield Api(address, core, program.log_file)
    core.store.close()


def assert_503_soon(client: httpx.Client, method: str, path: str, **arguments: object) -> None:
    started_s = time.monotonic()
    answer = client.request(method, path, **arguments)  # type: ignore[arg-type]

    assert time.monotonic() - started_s < SOON_S
    assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")
    assert ("stored" in answer.json()["detail"]) == (method == "POST")
    assert int(answer.headers["Retry-After"]) >= 1


def signal_all(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        os.kill(pid, number)


class TestADatabaseThatIsDown:
    def test_is_a_503_soon_and_is_used_again_when_it_is_back(
        self, own_api: Api, own_postgres: EmbeddedPostgres
    ) -> None:
        with own_api.client("m") as client:
            before = create(client)
            own_postgres.stop()

            for _ in range(3):
                assert_503_soon(client, "POST", "/transactions", json=a_body())
                assert_503_soon(client, "POST", "/transactions/batch", json=[a_body()])
                assert_503_soon(client, "GET", "/transactions")
                assert_503_soon(client, "GET", f"/transactions/{before['id']}")
            ready = client.get("/health/ready")
            assert (ready.status_code, ready.json()["database"]) == (503, "down")
            assert int(ready.headers["Retry-After"]) >= 1
            assert client.get("/health/live").status_code == 200
            assert "psp_database_up 0.0" in client.get("/metrics").text

            own_postgres.start()
            assert wait_until(lambda: client.get("/health/ready").status_code == 200, timeout_s=30)
            after = create(client)
            assert client.get("/transactions").json() == [after, before]


class TestADatabaseThatHangs:
    def test_is_a_503_soon_for_all_whose_commit_has_not_begun(
        self, own_api: Api, own_postgres: EmbeddedPostgres
    ) -> None:
        with own_api.client("m") as client, ThreadPoolExecutor(1) as pool:
            create(client)
            servers = [server.pid for server in working_in(own_postgres.data_folder / "data")]
            signal_all(servers, signal.SIGSTOP)
            try:
                inside = pool.submit(client.post, "/transactions", json=a_body(reference="inside"))
                assert_503_soon(client, "GET", "/transactions")
                assert_503_soon(client, "POST", "/transactions", json=a_body(reference="outside"))
                assert client.get("/health/ready").json()["database"] == "down"
                assert "psp_database_up 0.0" in client.get("/metrics").text
            finally:
                signal_all(servers, signal.SIGCONT)

            # Its commit hung and then went on, or no connection was to be had for it: either way it was told so.
            references = ["inside"] if inside.result().status_code == 201 else []
            assert [item["reference"] for item in everything(client, "/transactions")] == [*references, None]


class TestASchemaThatIsTooOld:
    def test_is_not_ready_until_it_was_migrated(
        self, postgres: EmbeddedPostgres, sqs: EmbeddedSqs, tmp_path: Path
    ) -> None:
        postgres.create_database("psp_behind")
        url = postgres.url("psp_behind")
        migrate(url, revision="0001")
        make_logins(url)
        environment = {**api_urls(url), "PSP_SQS_ENDPOINT_URL": sqs.endpoint_url}
        program, address = api_program(tmp_path, environment=environment)

        with program:
            before = httpx.get(f"{address}/health/ready")
            migrate(url)
            after = httpx.get(f"{address}/health/ready")

        assert (before.status_code, before.json()["schema"]) == (503, "behind")
        assert int(before.headers["Retry-After"]) >= 1
        assert (after.status_code, after.json()["schema"]) == (200, "current")
        assert "Retry-After" not in after.headers


class TestAQueueThatIsDown:
    def test_fails_no_request_and_loses_nothing(self, own_api: Api, own_sqs: EmbeddedSqs) -> None:
        with own_api.client("m") as client:
            own_sqs.stop()

            created = [create(client, amount=100 + number) for number in range(20)]

            ready = client.get("/health/ready")
            assert (ready.status_code, ready.json()) == (
                200,
                {"status": "degraded", "database": "up", "schema": "current", "queue": "down"},
            )
            own_sqs.start()
            payables = payables_of(own_api.core, client, *created)
            assert sorted(item["amount"] for item in payables) == [100 + number for number in range(20)]
            assert len(everything(client, "/payables")) == 20
