"""The real webserver: what another site can make an operator's browser do, and whose name is on what is launched."""

from __future__ import annotations

import base64
import json
import socket
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.pipelines.pages import ask

MUTATION = "mutation { reloadWorkspace { __typename } }"
_LAUNCH = """
mutation ($params: ExecutionParams!) {
  launchPipelineExecution(executionParams: $params) { __typename ... on LaunchRunSuccess { run { runId } } }
}
"""
_BACKFILL = """
mutation ($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) { __typename ... on LaunchBackfillSuccess { backfillId } }
}
"""
_RUN_TAGS = "query ($id: ID!) { runOrError(runId: $id) { ... on Run { tags { key value } } } }"
_BACKFILL_TAGS = """
query ($id: String!) { partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill { tags { key value } } } }
"""


@pytest.fixture
def url(webserver_url: str) -> str:
    return webserver_url


@pytest.fixture
def client(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, timeout=60) as client:
        yield client


def tags_of(found: dict[str, Any]) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in found["tags"]}


def launch(client: httpx.Client, *, login: str | None, tags: dict[str, str]) -> dict[str, str]:
    """Launch the job `repair` and return the run's tags."""
    selector = {"repositoryLocationName": "psp", "repositoryName": "__repository__", "pipelineName": "repair"}
    params = {
        "selector": selector,
        "mode": "default",
        "runConfigData": {},
        "executionMetadata": {"tags": [{"key": key, "value": value} for key, value in tags.items()]},
    }
    launched = ask(client, _LAUNCH, login=login, params=params)
    return tags_of(ask(client, _RUN_TAGS, id=launched["run"]["runId"]))


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
            "tags": [{"key": "psp/actor", "value": "luke"}, {"key": "psp/reason", "value": "late"}],
        }

        launched = ask(client, _BACKFILL, login="leia", params=params)

        tags = tags_of(ask(client, _BACKFILL_TAGS, id=launched["backfillId"]))
        assert (tags["psp/actor"], tags["psp/reason"]) == ("leia", "late")
