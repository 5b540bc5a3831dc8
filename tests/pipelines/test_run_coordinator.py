"""Who launches is by hand or not by where it comes from, not by the tags it has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest
from dagster import SubmitRunContext
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin

from psp_pipelines.definitions import definitions
from psp_pipelines.kernel.runs import NO_REASON, is_by_hand

SCHEDULED = {"dagster/schedule_name": "settlement_sweep"}
RETRIED = {**SCHEDULED, "dagster/retry_number": "1", "dagster/parent_run_id": "x"}
A_PERSON, THE_DAEMON = SimpleNamespace(source=SimpleNamespace(headers={})), SimpleNamespace(source=None)


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    overrides = {
        "run_coordinator": {
            "module": "psp_pipelines.access.run_coordinator",
            "class": "AttributingRunCoordinator",
        }
    }
    with dg.DagsterInstance.local_temp(str(tmp_path), overrides=overrides) as instance:
        yield instance


def submit(
    instance: dg.DagsterInstance,
    *,
    by: Any,
    tags: dict[str, str],
    reason: str = "",
    job: str = "settle_due_payables",
    assets: frozenset[dg.AssetKey] | None = None,
) -> dg.DagsterRun:
    """Have the queue of runs take a settlement, as whoever launches it does."""
    config = {"ops": {"settlement": {"config": {"reason": reason}}}} if reason else NO_REASON
    run = instance.create_run_for_job(
        definitions.resolve_job_def(job),
        run_config=config,
        tags=tags,
        asset_selection=assets,
        remote_job_origin=RemoteJobOrigin(
            RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("psp"), "__repository__"), job
        ),
    )
    return instance.run_coordinator.submit_run(SubmitRunContext(run, workspace=by))


class TestAttributingRunCoordinator:
    @pytest.mark.parametrize("tags", [SCHEDULED, RETRIED], ids=["schedule", "retry"])
    def test_queues_what_the_daemon_launches_by_itself(
        self, instance: dg.DagsterInstance, tags: dict[str, str]
    ) -> None:
        run = submit(instance, by=THE_DAEMON, tags=tags)

        assert run.status is dg.DagsterRunStatus.QUEUED
        assert not is_by_hand(run)

    @pytest.mark.parametrize("tags", [SCHEDULED, RETRIED, {}], ids=["of a schedule", "of a retry", "none"])
    def test_cancels_what_a_person_launches_without_a_reason(
        self, instance: dg.DagsterInstance, tags: dict[str, str]
    ) -> None:
        run = submit(instance, by=A_PERSON, tags=tags)

        assert run.status is dg.DagsterRunStatus.CANCELED
        assert is_by_hand(run)
        [event] = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.RUN_CANCELED).records
        assert "settle by hand needs a reason" in (event.event_log_entry.get_dagster_event().message or "")

    def test_cancels_a_backfills_run_without_a_reason(self, instance: dg.DagsterInstance) -> None:
        run = submit(instance, by=THE_DAEMON, tags={**SCHEDULED, "dagster/backfill": "b"})

        assert run.status is dg.DagsterRunStatus.CANCELED

    @pytest.mark.parametrize(("reason", "tags"), [("it was ended", {}), ("", {"psp/reason": "it was ended"})])
    def test_queues_what_a_person_launches_with_one(
        self, instance: dg.DagsterInstance, reason: str, tags: dict[str, str]
    ) -> None:
        run = submit(instance, by=A_PERSON, tags=SCHEDULED | tags, reason=reason)

        assert run.status is dg.DagsterRunStatus.QUEUED
        assert is_by_hand(run)
        assert run.tags["dagster/schedule_name"] == "by hand, after settlement_sweep"

    def test_asks_no_reason_of_whoever_only_writes_reports(self, instance: dg.DagsterInstance) -> None:
        run = submit(instance, by=A_PERSON, tags={}, assets=frozenset({dg.AssetKey("settlement_report")}))

        assert run.status is dg.DagsterRunStatus.QUEUED
