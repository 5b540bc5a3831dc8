"""What somebody presses in Dagster leaves who, what, why if there is one, and whether Dagster accepted it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from dagster_graphql.schema import create_schema
from graphql import GraphQLSchema, GraphQLUnionType, get_named_type

from psp_core.bootstrap import Core
from psp_core.domain.operations.operator_actions import OperatorAction, Outcome
from psp_pipelines.access.page_actions import CHANGES_NOTHING, RecordPageActions, came_of
from psp_pipelines.access.requested import DETAILS_MAX, details_of, reason_of
from tests import reach
from tests.pipelines.pages import LOGIN, ask

_SELECTOR = {"repositoryLocationName": "psp", "repositoryName": "__repository__"}
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
_CANCEL = "mutation ($id: String!) { cancelPartitionBackfill(backfillId: $id) { __typename } }"
_TERMINATE = "mutation ($id: String!) { terminateRun(runId: $id) { __typename } }"
_TERMINATE_ALL = """
mutation ($ids: [String!]!) { terminateRuns(runIds: $ids) { __typename ... on TerminateRunsResult {
  terminateRunResults { __typename } } } }
"""
_DELETE = "mutation ($id: String!) { deletePipelineRun(runId: $id) { __typename } }"
_STOP = "mutation ($id: String) { stopRunningSchedule(id: $id) { __typename } }"
_START = """
mutation ($of: ScheduleSelector!) { startSchedule(scheduleSelector: $of) { __typename
  ... on ScheduleStateResult { scheduleState { id status } } } }
"""
_CURSOR = """
mutation ($of: SensorSelector!, $cursor: String) {
  setSensorCursor(sensorSelector: $of, cursor: $cursor) { __typename }
}
"""
_WIPE = """
mutation ($ranges: [PartitionsByAssetSelector!]!) { wipeAssets(assetPartitionRanges: $ranges) { __typename } }
"""
_LIMIT = 'mutation { setConcurrencyLimit(concurrencyKey: "pool", limit: 3) }'


@pytest.fixture
def client(webserver_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=webserver_url, timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    schema: GraphQLSchema = create_schema().graphql_schema
    return schema


def recorded(core: Core) -> list[OperatorAction]:
    return core.record_operator_action.newest(limit=100)


def launch(client: httpx.Client, *, reason: str = "a test") -> str:
    """Launch the job `repair` as leia and return the run's id."""
    tags = {"psp/reason": reason}
    params = {
        "selector": {**_SELECTOR, "pipelineName": "repair"},
        "mode": "default",
        "runConfigData": "{}",
        "executionMetadata": {"tags": [{"key": key, "value": value} for key, value in tags.items()]},
    }
    run_id: str = ask(client, _LAUNCH, login="leia", params=params)["run"]["runId"]
    return run_id


class TestWhatIsPressed:
    def test_is_recorded_with_the_run_it_made_and_its_reason(self, core: Core, client: httpx.Client) -> None:
        run_id = launch(client, reason="the queue was rebuilt")

        [action] = recorded(core)
        assert (action.action, action.actor) == ("dagster launchPipelineExecution", "leia")
        assert action.reason == "the queue was rebuilt"
        assert action.came_of_it == f"done: run {run_id}"
        assert action.details["executionParams.selector.pipelineName"] == "repair"

    def test_is_recorded_with_what_it_aims_at(self, core: Core, client: httpx.Client) -> None:
        run_id = launch(client)
        params: dict[str, Any] = {
            "assetSelection": [{"path": ["settlement"]}],
            "partitionNames": ["2026-11-01", "2026-11-02"],
        }
        params["tags"] = [{"key": "psp/reason", "value": "a test"}]
        backfill_id = ask(client, _BACKFILL, login="leia", params=params)["backfillId"]

        ask(client, _CANCEL, login="leia", id=backfill_id)
        ask(client, _TERMINATE, login="leia", id=run_id)
        ask(client, _DELETE, login="leia", id=run_id)
        ask(client, _LIMIT, login="leia")
        sensor = {**_SELECTOR, "sensorName": "payables_queue_sensor"}
        ask(client, _CURSOR, login="leia", of=sensor, cursor="7")
        ask(client, _WIPE, login="leia", ranges=[{"assetKey": {"path": ["settlement_report"]}}])

        found = {it.action.removeprefix("dagster "): it for it in recorded(core)}
        assert {it.actor for it in found.values()} == {"leia"}
        assert {it.outcome for it in found.values()} == {Outcome.DONE}
        assert found["launchPartitionBackfill"].reason == "a test"
        launched = found["launchPartitionBackfill"]
        assert launched.details["backfillParams.partitionNames"] == "2026-11-01, 2026-11-02"
        assert launched.detail == f"backfill {backfill_id}"
        assert found["cancelPartitionBackfill"].details == {"backfillId": backfill_id}
        assert found["cancelPartitionBackfill"].reason == "none: Dagster's page asks for none"
        assert found["terminateRun"].details["runId"] == run_id
        assert found["deletePipelineRun"].details == {"runId": run_id}
        assert found["setConcurrencyLimit"].details == {"concurrencyKey": "pool", "limit": "3"}
        assert found["setSensorCursor"].details["sensor_selector.sensorName"] == "payables_queue_sensor"
        assert found["wipeAssets"].details["assetPartitionRanges.0.assetKey.path"] == "settlement_report"

    def test_is_recorded_when_a_schedule_is_switched_off(self, core: Core, client: httpx.Client) -> None:
        state = ask(client, _START, login="leia", of={**_SELECTOR, "scheduleName": "daily_settlement"})
        ask(client, _STOP, login="leia", id=state["scheduleState"]["id"])

        stopped, started = recorded(core)
        assert started.details["schedule_selector.scheduleName"] == "daily_settlement"
        assert (stopped.action, stopped.outcome) == ("dagster stopRunningSchedule", Outcome.DONE)
        assert stopped.details["name"] == "daily_settlement"

    def test_is_recorded_when_dagster_refuses_it(self, core: Core, client: httpx.Client) -> None:
        ask(client, _TERMINATE, login="leia", id="none")

        [action] = recorded(core)
        assert action.came_of_it.startswith("refused: RunNotFoundError")
        assert "none" in action.detail

    def test_is_recorded_when_it_is_refused_for_want_of_a_reason(self, core: Core, client: httpx.Client) -> None:
        params = {"assetSelection": [{"path": ["settlement"]}], "partitionNames": ["2026-11-01"]}
        ask(client, _BACKFILL, login="leia", params=params)

        [action] = recorded(core)
        assert action.came_of_it.startswith("refused: ")
        assert "needs a reason" in action.detail
        assert action.reason == "none given"

    def test_says_how_many_of_several_were_done(self, core: Core, client: httpx.Client) -> None:
        ask(client, _TERMINATE_ALL, login="leia", ids=[launch(client), "none"])

        assert recorded(core)[0].came_of_it.startswith("failed: 1 of 2")

    def test_is_recorded_for_whom_nobody_knows(self, core: Core, client: httpx.Client) -> None:
        ask(client, _LIMIT)

        assert recorded(core)[0].actor is None

    def test_is_recorded_once_for_each_of_one_request(self, core: Core, client: httpx.Client) -> None:
        several = """mutation {
          setNuxSeen
          reloadWorkspace { __typename }
          a: setConcurrencyLimit(concurrencyKey: "pool", limit: 3)
          b: deleteConcurrencyLimit(concurrencyKey: "pool")
        }"""

        assert client.post("/graphql", json={"query": several}).status_code == 200

        assert [it.action.removeprefix("dagster ") for it in recorded(core)] == [
            "deleteConcurrencyLimit",
            "setConcurrencyLimit",
            "reloadWorkspace",
        ]

    def test_is_recorded_where_it_is_no_graphql(self, core: Core, client: httpx.Client) -> None:
        body = {"partition": "2026-11-01"}
        assert client.post("/report_asset_materialization/settlement", json=body).status_code == 200
        refused = client.post("/report_asset_check/settlement", json=body, headers={LOGIN: "leia"})
        assert refused.status_code == 400

        check, materialization = recorded(core)
        assert materialization.action == "dagster report_asset_materialization"
        assert materialization.details == {"asset_key": "settlement", "body": json.dumps(body, separators=(",", ":"))}
        assert materialization.outcome is Outcome.DONE
        assert (check.actor, check.came_of_it) == ("leia", "refused: answered with 400")

    def test_is_recorded_at_once_after_postgres_was_restarted(self, core: Core, client: httpx.Client) -> None:
        ask(client, _LIMIT)
        with reach.postgres(core.store).begin() as work:
            closed = work.connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'psp-webserver'"
            ).all()
        assert closed

        ask(client, _LIMIT)

        assert len(recorded(core)) == 2

    def test_is_not_done_when_it_cannot_be_recorded(self, core: Core, client: httpx.Client) -> None:
        with reach.postgres(core.store).begin() as work:
            work.connection.exec_driver_sql("LOCK TABLE operator_actions")
            answer = client.post("/graphql", json={"query": _LIMIT.replace("pool", "unrecorded")})
            report = client.post("/report_asset_observation/settlement")

        assert "nothing was done, because it could not be recorded" in answer.text
        assert report.status_code == 503
        limits = "{ instance { concurrencyLimits { concurrencyKey } } }"
        assert "unrecorded" not in client.post("/graphql", json={"query": limits}).text
        assert recorded(core) == []


class TestTheSchema:
    def test_has_a_record_in_front_of_all_that_changes_something(self, core: Core) -> None:
        schema = create_schema().graphql_schema
        before = {name: field.resolve for name, field in schema.mutation_type.fields.items()}

        RecordPageActions(core.record_operator_action).in_front_of(schema)

        after = {name: field.resolve for name, field in schema.mutation_type.fields.items()}
        assert {name for name in before if before[name] is after[name]} == CHANGES_NOTHING

    def test_has_answers_of_which_each_is_known_as_accepted_or_not(self, schema: GraphQLSchema) -> None:
        accepted: set[str] = set()
        assert schema.mutation_type is not None
        for field in schema.mutation_type.fields.values():
            kind = get_named_type(field.type)
            for member in kind.types if isinstance(kind, GraphQLUnionType) else [kind]:
                # As Dagster names its classes.
                answer = type(f"Graphene{member.name}", (), {})()
                if came_of(answer)[0] is Outcome.DONE:
                    accepted.add(member.name)

        assert {name for name in accepted if not name.endswith("Success")} == {
            "Boolean",
            "DryRunInstigationTick",
            "LaunchMultipleRunsResult",
            "RefreshComponentStateAccepted",
            "ScheduleStateResult",
            "Sensor",
            "StopSensorMutationResult",
            "TerminateRunsResult",
            "Workspace",
            "WorkspaceLocationEntry",
        }


class TestWhatIsKeptOfARequest:
    @pytest.mark.parametrize("number", ["4111 1111 1111 1111", "of 4111111111111111"])
    def test_has_no_card_data(self, number: str) -> None:
        asked = {"executionParams": {"tags": [{"key": "psp/reason", "value": number}, {"key": number, "value": "x"}]}}

        assert "1111" not in f"{details_of(asked)} {reason_of(asked)}"

    def test_is_printable_and_bounded(self) -> None:
        asked = {
            "executionParams": {"runConfigData": {f"key {n}": "\x00\x1b[2J\ud800" + "x" * 9_999 for n in range(99)}}
        }

        kept = details_of(asked)

        assert len(kept) == DETAILS_MAX + 1
        assert all(value.isprintable() and len(value) <= 300 for value in kept.values())

    @pytest.mark.parametrize(
        ("config", "reason"),
        [
            ("ops:\n  settlement:\n    config:\n      reason: a bank holiday\n", "a bank holiday"),
            ({"ops": {"settlement": {"config": {"reason": "a bank holiday"}}}}, "a bank holiday"),
            ("ops: {settlement: [", "none given"),
            ("{}", "none given"),
            ("ops: {x: {config: {reason: '" + "y" * 2_000 + "'}}}", "y" * 1_000),
        ],
    )
    def test_has_the_reason_of_the_config(self, config: Any, reason: str) -> None:
        assert reason_of({"executionParams": {"runConfigData": config}}) == reason
