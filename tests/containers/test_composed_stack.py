"""The main job on docker-compose.yml, unmodified; and what a container dying, a stranger or a viewer can do to it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest

from tests.containers.composed_platform import OPERATOR, ComposedPlatform
from tests.e2e.platform import AGREED, REASON, a_body
from tests.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(2_700)]

_RELOAD = "mutation { reloadWorkspace { __typename } }"
_VERSION = "{ version }"
_BACKFILLS = "{ partitionBackfillsOrError { ... on PartitionBackfills { results { id } } } }"
REPORTS = "/var/lib/psp/reports"


def today() -> date:
    return datetime.now(UTC).date()


def payables_of(composed: ComposedPlatform, customer_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = composed.get("/payables", customer_id=customer_id)
    return found


class TestTheMainJob:
    def test_pays_a_merchant_on_the_day_it_is_due(self, composed: ComposedPlatform) -> None:
        composed.act_as("luke")
        composed.psp("fee-plans", "set", "luke", "--credit-delay-days", "0", *AGREED)

        created = composed.post_transaction(customer_id="luke")
        assert created.status_code == 201
        [payable] = wait_for(lambda: payables_of(composed, "luke"), within_s=120, what="the transaction's payable")
        assert (payable["status"], payable["receivable_amount"]) == ("waiting_funds", 2_375)
        composed.settle(today())

        [paid] = payables_of(composed, "luke")
        assert paid["status"] == "paid"
        assert composed.get(f"/transactions/{created.json()['id']}", customer_id="luke")["status"] == "paid"
        assert "the books balance" in composed.psp("check-books")

    def test_records_by_login_who_paid_and_why(self, composed: ComposedPlatform) -> None:
        done = [line for line in composed.psp("actions", "list").splitlines() if f"  why: {REASON}  " in line]

        assert all("  operator  " in line for line in done)
        settled, pressed = done
        assert f"  settle dates={today()}/{today()} " in settled
        assert "  dagster launchPartitionBackfill " in pressed
        assert "  done: backfill " in pressed

    def test_keeps_its_reports_where_operators_find_them(self, composed: ComposedPlatform) -> None:
        day = today().isoformat()
        asked = ["--select", "settlement_report", "--partition", day, "-m", "psp_pipelines.definitions"]

        composed.compose("exec", "-T", "code-server", "dagster", "asset", "materialize", *asked)

        explained = composed.psp("explain", "luke", "--on", day)
        assert f"luke on {day}: paid out BRL 23.75" in explained
        found = re.search(rf"^report: file://{REPORTS}/(.*{day}.*)$", explained, re.MULTILINE)
        assert found is not None, explained
        for browser in (composed.dagster, composed.viewer):
            report = browser.get(f"/psp/reports/{found[1]}")
            assert report.status_code == 200
            assert "luke" in report.text

    def test_goes_on_when_the_code_server_dies_with_its_runs(self, composed: ComposedPlatform) -> None:
        composed.act_as("leia")
        composed.post_transaction(customer_id="leia")
        wait_for(lambda: payables_of(composed, "leia"), within_s=120, what="the first payable")
        [running] = composed.runs(pipelineName="drain_payables", statuses=["STARTED"])

        composed.kill_main_process("code-server")
        composed.post_transaction(customer_id="leia")

        wait_for(lambda: len(payables_of(composed, "leia")) == 2, within_s=180, what="the second payable")
        ended = {"runIds": [running["runId"]], "statuses": ["FAILURE"]}
        wait_for(lambda: composed.runs(**ended), within_s=60, what="the dead run is ended")
        assert "the books balance" in composed.psp("check-books")

    def test_goes_on_when_the_queue_dies(self, composed: ComposedPlatform) -> None:
        composed.act_as("han")
        composed.kill_main_process("sqs")

        assert composed.post_transaction(customer_id="han").status_code == 201

        wait_for(lambda: payables_of(composed, "han"), within_s=180, what="the payable")


class TestWhatAnOperatorDoes:
    def test_is_refused_without_a_reason_and_recorded(self, composed: ComposedPlatform) -> None:
        before = composed.graphql(_BACKFILLS)

        refused = composed.launch_settlement(today(), reason="")

        assert refused["__typename"] == "PythonError"
        assert "Nothing was launched" in refused["message"]
        assert composed.graphql(_BACKFILLS) == before
        pressed = composed.psp("actions", "list", "--action", "dagster launchPartitionBackfill", "--limit", "1")
        assert "  refused: " in pressed
        assert "  operator  " in pressed

    def test_may_not_be_done_by_a_viewer(self, composed: ComposedPlatform) -> None:
        as_viewer = replace(composed, dagster=composed.viewer)

        assert as_viewer.launch_settlement(today(), reason="theirs")["__typename"] == "UnauthorizedError"


class TestTheProxy:
    def test_lets_nobody_see_dagster_without_a_password(self, composed: ComposedPlatform) -> None:
        for client, stranger in ((composed.dagster, ("operator", "guess")), (composed.viewer, OPERATOR)):
            for path in ("/", "/graphql", "/server_info"):
                assert client.get(path, auth=stranger).status_code == 401

    def test_lets_viewers_look_only(self, composed: ComposedPlatform) -> None:
        def ask(client: httpx.Client, query: str) -> Any:
            return client.post("/graphql", json={"query": query}).json()["data"]

        assert ask(composed.viewer, _VERSION) == ask(composed.dagster, _VERSION)
        assert ask(composed.viewer, _RELOAD) == {"reloadWorkspace": {"__typename": "UnauthorizedError"}}
        assert ask(composed.dagster, _RELOAD) == {"reloadWorkspace": {"__typename": "Workspace"}}

    def test_refuses_what_another_site_makes_an_operators_browser_send(self, composed: ComposedPlatform) -> None:
        def ask(origin: str) -> int:
            return composed.dagster.post("/graphql", json={"query": _VERSION}, headers={"Origin": origin}).status_code

        own = str(composed.dagster.base_url).rstrip("/")
        assert (ask(own), ask("https://elsewhere.example"), ask("null")) == (200, 403, 403)

    def test_keeps_metrics_and_strangers_out_of_the_api(self, composed: ComposedPlatform) -> None:
        stranger = {"Authorization": "", "x-customer-id": "luke"}

        assert composed.api.get("/metrics").status_code == 404
        assert composed.api.get("/payables", headers=stranger).status_code == 401
        assert composed.api.post("/transactions", json=a_body(), headers=stranger).status_code == 401


class TestTheContainers:
    def test_run_without_rights(self, composed: ComposedPlatform) -> None:
        for service, container in composed.compose.inspect().items():
            host = container["HostConfig"]
            assert container["Config"]["User"].split(":")[0] not in ("", "0", "root"), service
            assert host["ReadonlyRootfs"], service
            assert host["CapDrop"] == ["ALL"], service
            assert "no-new-privileges:true" in host["SecurityOpt"], service
            assert host["Memory"] > 0, service

    def test_publish_the_proxy_alone_and_on_loopback(self, composed: ComposedPlatform) -> None:
        published = {
            service: {binding["HostIp"] for bindings in ports.values() for binding in bindings or []}
            for service, container in composed.compose.inspect().items()
            if (ports := container["NetworkSettings"]["Ports"]) and any(ports.values())
        }

        assert published == {"proxy": {"127.0.0.1"}}

    def test_have_no_compiler(self, composed: ComposedPlatform) -> None:
        for name in ("gcc", "cc", "g++", "make", "ld"):
            assert composed.compose("exec", "-T", "api", "sh", "-c", f"command -v {name} || echo none") == "none"
