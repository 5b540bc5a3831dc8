"""A year of Dagster's records at a tiny size: it is as long as it says, and cleaning it up loses no settlement."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from bench.history import (
    DRAINS,
    SETTLEMENTS,
    WATCHES,
    History,
    Year,
    clean_up,
    measurements,
    multiply,
    open_history,
    produce,
)
from bench.rig.servers import MIGRATED, Servers
from psp_core.adapters.postgres.schema.migrate import migrate
from psp_local.postgres import EmbeddedPostgres
from psp_local.sqs import EmbeddedSqs

pytestmark = pytest.mark.filterwarnings("ignore::dagster.BetaWarning", "ignore::dagster.PreviewWarning")

TINY = Year(days=20, drains_per_day=2, watches_per_day=1, sweeps_per_day=2, sensor_ticks_per_day=10, sensor_tick_days=5)
DAYS_AND_TODAY = TINY.days + 1
OLD = "create_timestamp < now() - INTERVAL '14 days'"


@dataclass(frozen=True)
class Story:
    """What there was before the clean-up, what the job purged, and the history as it is now."""

    runs: dict[str, int]
    old_runs: int
    settled_dates: set[str]
    pages: dict[str, Any]
    purged: int
    history: History


@pytest.fixture(scope="module")
def story(postgres: EmbeddedPostgres, sqs: EmbeddedSqs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    postgres.create_database(MIGRATED)
    migrate(postgres.url(MIGRATED))
    folder = tmp_path_factory.mktemp("history")
    with open_history(Servers(postgres, sqs, folder), folder) as history:
        multiply(history, produce(history), TINY)
        runs = {job: history.count("runs", where=of(job)) for job in (DRAINS, WATCHES, SETTLEMENTS)}
        old_runs = sum(history.count("runs", where=f"{of(job)} AND {OLD}") for job in (DRAINS, WATCHES))
        settled_dates = history.settled_dates()
        pages = {name: ask() for name, ask in measurements(history).items() if "page" in name}
        purged, _ = clean_up(history)
        yield Story(runs, old_runs, settled_dates, pages, purged, history)


def of(job: str) -> str:
    return f"pipeline_name = '{job}'"


class TestAYearOfHistory:
    def test_has_the_runs_it_says(self, story: Story) -> None:
        assert story.runs == {DRAINS: TINY.days * 2 + 1, WATCHES: DAYS_AND_TODAY, SETTLEMENTS: DAYS_AND_TODAY}
        assert len(story.settled_dates) == DAYS_AND_TODAY

    def test_is_what_the_pages_show(self, story: Story) -> None:
        payables = story.pages["the page of `payables`"]["assetNodeOrError"]
        flow = story.pages["the page of `flow`"]["assetNodeOrError"]["assetChecksOrError"]["checks"]
        settlement = story.pages["the page of `settlement`"]["assetNodeOrError"]

        assert len(story.pages["the sensor's page"]["sensorOrError"]["sensorState"]["ticks"]) == 25
        assert story.pages["the runs page"]["all"]["count"] == sum(story.runs.values())
        # A drain shows itself when it begins and when it ends.
        assert len(payables["assetMaterializations"]) == 2 * story.runs[DRAINS]
        assert {check["executionForLatestMaterialization"]["status"] for check in flow} == {"SUCCEEDED"}
        assert settlement["partitionStats"]["numMaterialized"] == DAYS_AND_TODAY

    def test_is_cleaned_up_without_the_loss_of_a_settlement(self, story: Story) -> None:
        count = story.history.count

        assert story.purged == story.old_runs >= 6 * 3
        for job in (DRAINS, WATCHES):
            assert count("runs", where=f"{of(job)} AND {OLD}") == 0
        assert count("runs", where=of(DRAINS)) + count("runs", where=of(WATCHES)) == 14 * 3
        assert count("runs", where=of(SETTLEMENTS)) == DAYS_AND_TODAY
        assert story.history.settled_dates() == story.settled_dates

    def test_leaves_nothing_of_a_purged_run(self, story: Story) -> None:
        for table in ("event_logs", "run_tags", "asset_check_executions"):
            assert story.history.count(table, where="run_id NOT IN (SELECT run_id FROM runs)") == 0
        assert story.history.count("asset_event_tags", where="event_id NOT IN (SELECT id FROM event_logs)") == 0

    def test_keeps_ticks_as_long_as_the_configuration_says(self, story: Story) -> None:
        assert story.history.count("job_ticks", where="type = 'SENSOR'") == TINY.sensor_ticks_per_day * 2
        assert story.history.count("job_ticks", where="type = 'SCHEDULE'") == TINY.days * 2 + 1
