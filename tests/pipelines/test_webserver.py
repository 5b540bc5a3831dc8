"""The real webserver: what another site can make an operator's browser do, and whose name is on what is launched."""

from __future__ import annotations

import base64
import json
import socket
import uuid
from collections.abc import Iterator
from typing import Any

import dagster as dg
import httpx
import pytest

from psp_local.postgres import EmbeddedPostgres
from psp_pipelines.definitions import definitions
from tests.pipelines.dagster_database import dagster_variables
from tests.pipelines.pages import ROOT, ask

MUTATION = "mutation { reloadWorkspace { __typename } }"
_LAUNCH = """
mutation ($params: ExecutionParams!) {
  launchPipelineExecution(executionParams: $params) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message }
  }
}
"""
_BACKFILL = """
mutation ($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) {
    __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message }
  }
}
"""
_REEXECUTE = """
mutation ($params: ReexecutionParams!) {
  launchRunReexecution(reexecutionParams: $params) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message }
  }
}
"""
_RUNS = "{ runsOrError { ... on Runs { results { runId } } } }"
_RUN_TAGS = "query ($id: ID!) { runOrError(runId: $id) { ... on Run { tags { key value } } } }"
_BACKFILL_TAGS = """
query ($id: String!) { partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill { tags { key value } } } }
"""


@pytest.fixture
def url(webserver_url: str) -> str:
    return webserver_url


@pytest.fixture
def dagster(url: str, postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """The webserver's own records."""
    for name, value in dagster_variables(postgres.url("dagster_webserver")).items():
        monkeypatch.setenv(name, value)
    with dg.DagsterInstance.from_config(str(ROOT)) as instance:
        yield instance


@pytest.fixture
def client(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, timeout=60) as client:
        yield client


def tags_of(found: dict[str, Any]) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in found["tags"]}


def launched(
    client: httpx.Client, *, reason: str, login: str | None = None, tags: dict[str, str] | None = None
) -> dict[str, Any]:
    """Launch the job `repair` and return what is answered."""
    selector = {"repositoryLocationName": "psp", "repositoryName": "__repository__", "pipelineName": "repair"}
    params = {
        "selector": selector,
        "mode": "default",
        "runConfigData": {"ops": {"repair_transactions": {"config": {"reason": reason}}}},
        "executionMetadata": {"tags": [{"key": key, "value": value} for key, value in (tags or {}).items()]},
    }
    answer: dict[str, Any] = ask(client, _LAUNCH, login=login, params=params)
    return answer


def launch(client: httpx.Client, *, login: str | None, tags: dict[str, str]) -> dict[str, str]:
    """Launch the job `repair` with a reason and return the run's tags."""
    answer = launched(client, reason="the queue was rebuilt", login=login, tags=tags)
    return tags_of(ask(client, _RUN_TAGS, id=answer["run"]["runId"]))


def a_sensors_run(dagster: dg.DagsterInstance, *, like: str) -> str:
    """Have a run of `repair` as its sensor asks for one, and return its id."""
    other = dagster.get_run_by_id(like)
    assert other
    run = dagster.create_run_for_job(
        definitions.resolve_job_def("repair"),
        tags={"dagster/sensor_name": "stray_transactions_sensor"},
        status=dg.DagsterRunStatus.SUCCESS,
        remote_job_origin=other.remote_job_origin,
        job_code_origin=other.job_code_origin,
    )
    return run.run_id


def runs(client: httpx.Client) -> int:
    return len(ask(client, _RUNS)["results"])


class TestAnotherSite:
    @pytest.mark.parametrize("path", ["/graphql", "/graphql/", "/GraphQL", "/%67raphql", "/graphql%2f"])
    @pytest.mark.parametrize("accept", ["application/json", "text/html"])
    def test_runs_nothing_by_a_link(self, client: httpx.Client, path: str, accept: str) -> None:
        answer = client.get(path, params={"query": MUTATION}, headers={"Accept": accept})

        assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")

    def test_runs_nothing_by_a_form(self, client: httpx.Client) -> None:
        for content_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
            answer = client.post("/graphql", params={"query": MUTATION}, headers={"Content-Type": content_type})

            assert answer.status_code == 415

    @pytest.mark.parametrize(
        "headers",
        [
            {"Origin": "https://elsewhere.example"},
            {"Origin": "null"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
        ],
    )
    def test_is_refused_by_its_origin(self, client: httpx.Client, headers: dict[str, str]) -> None:
        assert client.post("/graphql", json={"query": MUTATION}, headers=headers).status_code == 403

    def test_may_link_to_a_page(self, client: httpx.Client) -> None:
        link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}

        assert client.get("/assets/settlement", headers=link).status_code == 200
        assert client.get("/assets/settlement", headers=link | {"Sec-Fetch-Dest": "iframe"}).status_code == 403

    def test_has_no_name_of_its_own_that_leads_here(self, client: httpx.Client) -> None:
        port = client.base_url.port
        rebound = {"Host": f"elsewhere.example:{port}", "Origin": f"http://elsewhere.example:{port}"}

        assert client.post("/graphql", json={"query": MUTATION}, headers=rebound).status_code == 421

    @pytest.mark.parametrize(("origin", "status"), [("http://elsewhere.example", 403), (None, 101)])
    def test_opens_no_websocket(self, url: str, origin: str | None, status: int) -> None:
        host, port = url.removeprefix("http://").split(":")
        lines = [
            *("GET /graphql HTTP/1.1", f"Host: {host}:{port}", "Upgrade: websocket", "Connection: Upgrade"),
            *("Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {base64.b64encode(uuid.uuid4().bytes).decode()}"),
            *("Sec-WebSocket-Protocol: graphql-ws", f"Origin: {origin or url}", "", ""),
        ]
        with socket.create_connection((host, int(port)), timeout=30) as connection:
            connection.sendall("\r\n".join(lines).encode())

            assert connection.recv(100).split()[1] == str(status).encode()


class TestItsOwnPages:
    def test_ask_and_change(self, client: httpx.Client) -> None:
        own = {"Origin": str(client.base_url).rstrip("/"), "Sec-Fetch-Site": "same-origin"}

        answer = client.post("/graphql", json={"query": MUTATION}, headers=own)

        assert answer.json() == {"data": {"reloadWorkspace": {"__typename": "Workspace"}}}
        assert client.get("/", headers={"Sec-Fetch-Site": "none"}).status_code == 200


class TestWhoIsLoggedIn:
    def test_is_named_on_a_run_whatever_its_tags_claimed(self, client: httpx.Client) -> None:
        assert launch(client, login="leia", tags={"psp/actor": "luke"})["psp/actor"] == "leia"

    def test_is_named_by_the_claims_of_a_load_balancer(self, client: httpx.Client) -> None:
        claims = base64.urlsafe_b64encode(json.dumps({"sub": "17", "email": "leia@example.com"}).encode()).decode()

        assert launch(client, login=f"e30.{claims}.c2ln", tags={})["psp/actor"] == "leia@example.com"

    def test_is_nobody_where_nobody_logs_in(self, client: httpx.Client) -> None:
        assert "psp/actor" not in launch(client, login=None, tags={})

    def test_is_named_on_a_backfill_for_the_runs_it_will_have(self, client: httpx.Client) -> None:
        params = {
            "assetSelection": [{"path": ["settlement"]}],
            "partitionNames": ["2026-11-01"],
            "runConfigData": {"ops": {"settlement": {"config": {"reason": "late"}}}},
            "tags": [{"key": "psp/actor", "value": "luke"}],
        }

        launched = ask(client, _BACKFILL, login="leia", params=params)

        tags = tags_of(ask(client, _BACKFILL_TAGS, id=launched["backfillId"]))
        assert tags["psp/actor"] == "leia"


class TestWhoeverGivesNoReason:
    @pytest.mark.parametrize("reason", ["", "  ", "card 4111 1111 1111 1111"])
    def test_launches_nothing(self, client: httpx.Client, reason: str) -> None:
        before = runs(client)

        answer = launched(client, reason=reason)

        assert answer["__typename"] == "PythonError"
        assert "reason" in answer["message"]
        assert runs(client) == before

    @pytest.mark.parametrize("config", [None, "", "ops: {settlement: {config: {reason: ''}}}", "ops: [", {"ops": {}}])
    def test_launches_no_backfill(self, client: httpx.Client, config: object) -> None:
        params = {
            "assetSelection": [{"path": ["settlement"]}, {"path": ["settlement_report"]}],
            "partitionNames": ["2026-11-01", "2026-11-02"],
            "runConfigData": config,
        }

        answer = ask(client, _BACKFILL, params=params)

        assert answer["__typename"] == "PythonError"
        assert answer["message"].startswith("settle by hand needs a reason. Nothing was launched.")

    def test_may_still_write_reports(self, client: httpx.Client) -> None:
        params = {"assetSelection": [{"path": ["settlement_report"]}], "partitionNames": ["2026-11-01"]}

        assert ask(client, _BACKFILL, params=params)["__typename"] == "LaunchBackfillSuccess"


class TestReexecution:
    def test_of_a_schedules_run_is_by_hand(self, client: httpx.Client) -> None:
        before = launched(client, reason="to be copied", tags={"dagster/schedule_name": "daily_settlement"})["run"]

        tags = self.again(client, before["runId"])

        assert tags["psp/by_hand"] == "true"
        assert tags["dagster/schedule_name"] == "by hand, after daily_settlement"

    def test_needs_a_reason_of_its_own_when_there_was_none(
        self, client: httpx.Client, dagster: dg.DagsterInstance
    ) -> None:
        run = a_sensors_run(dagster, like=launched(client, reason="to have one")["run"]["runId"])

        refused = ask(client, _REEXECUTE, params={"parentRunId": run, "strategy": "ALL_STEPS"})
        tags = self.again(client, run, extra=[{"key": "psp/reason", "value": "it was ended"}])

        assert refused["message"].startswith("repair by hand needs a reason")
        assert (tags["psp/by_hand"], tags["psp/reason"]) == ("true", "it was ended")

    @staticmethod
    def again(client: httpx.Client, run_id: str, *, extra: list[dict[str, str]] | None = None) -> dict[str, str]:
        params = {"parentRunId": run_id, "strategy": "ALL_STEPS", "extraTags": extra or []}
        answer = ask(client, _REEXECUTE, params=params)
        return tags_of(ask(client, _RUN_TAGS, id=answer["run"]["runId"]))
