from __future__ import annotations

import shutil
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from typing import Any

import dagster as dg
import pytest
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from sqlalchemy import create_engine
from structlog.testing import capture_logs

from psp_core.bootstrap import Core
from psp_core.domain.kernel.paging import Page
from psp_core.domain.settlement.settlements import SettlementFilter
from tests.builders import NOON, SettableClock
from tests.pipelines.operations import (
    DUE_ON,
    a_due_date,
    checks_of,
    dates,
    ended_as_cancelled,
    failure_of,
    metadata_of,
    run_job,
    settle,
)


def numbers_in(shown: Mapping[str, Any]) -> dict[str, float]:
    """Return what Dagster plots."""
    return {name: value for name, value in shown.items() if isinstance(value, int | float)}


class TestSettlement:
    def test_pays_what_is_due_and_shows_it(
        self, core: Core, clock: SettableClock, instance: dg.DagsterInstance
    ) -> None:
        a_due_date(core, clock, 2_500, 999)

        result = settle(core, instance=instance)

        assert result.success
        shown = metadata_of(result, "settlement")[DUE_ON]
        assert shown["payables"] == 2
        assert shown["net_BRL_minor_units"] == 3_325
        assert "| BRL | 2 | 34.99 | 1.74 | 33.25 |" in shown["settled_in_this_run"]
        assert shown["largest_merchants"].records[0].data["net"] == "33.25"
        assert checks_of(result) == {"control_totals": True, "books_balance": True, "report_balances": True}
        report = metadata_of(result, "settlement_report")[DUE_ON]
        assert report["lines"] == 2
        assert shown["report"].endswith("once it is written")
        assert metadata_of(settle(core, instance=instance), "settlement")[DUE_ON]["report"] == report["all.csv"]
        assert report["all.csv"].startswith(f"{core.settings.operations_url}/psp/reports/settlement/{DUE_ON}/2-")

    def test_logs_how_many_it_settled_for_the_alarm_that_watches(
        self, core: Core, clock: SettableClock, instance: dg.DagsterInstance
    ) -> None:
        a_due_date(core, clock, 2_500, 999)

        with capture_logs() as logs:
            settle(core, instance=instance, by_hand=True, dry_run=True, reason="to see")
            settle(core, instance=instance)

        assert [(line["due_on"], line["settled_count"]) for line in logs if "settled_count" in line] == [(DUE_ON, 2)]

    def test_does_nothing_the_second_time_and_shows_what_was_settled(
        self, core: Core, clock: SettableClock, instance: dg.DagsterInstance
    ) -> None:
        a_due_date(core, clock, 2_500)
        settle(core, instance=instance)

        again = settle(core, instance=instance)

        assert again.success
        shown = metadata_of(again, "settlement")[DUE_ON]
        assert shown["settled_in_this_run"] == "nothing"
        assert "| BRL | 1 | 25.00 | 1.25 | 23.75 |" in shown["settled_for_the_date"]
        assert len(core.read_merchant.settlements("merchant-1", where=SettlementFilter(), page=Page())) == 1

    def test_lets_no_plot_fall_when_it_is_repeated(
        self, core: Core, clock: SettableClock, instance: dg.DagsterInstance
    ) -> None:
        a_due_date(core, clock, 2_500, 999)

        first, again = (metadata_of(settle(core, instance=instance), "settlement")[DUE_ON] for _ in range(2))

        assert numbers_in(first) == numbers_in(again) == {"payables": 2, "net_BRL_minor_units": 3_325}

    def test_shows_no_path_of_a_report_that_is_gone(
        self, core: Core, clock: SettableClock, instance: dg.DagsterInstance
    ) -> None:
        a_due_date(core, clock, 2_500)
        settle(core, instance=instance)
        shutil.rmtree(core.settings.reports_url.removeprefix("file:"))

        shown = metadata_of(settle(core, instance=instance), "settlement")[DUE_ON]

        assert shown["report"].endswith("once it is written")

    def test_settles_a_range_in_one_run(self, core: Core, clock: SettableClock, instance: dg.DagsterInstance) -> None:
        a_due_date(core, clock, 2_500, 999)

        result = run_job(
            "settle_due_payables",
            core,
            instance=instance,
            tags={**dates("2026-03-10", DUE_ON), "dagster/schedule_name": "x"},
        )

        settled = metadata_of(result, "settlement")
        assert len(settled) == 31
        assert {day for day, shown in settled.items() if shown["payables"]} == {DUE_ON}
        assert len(metadata_of(result, "settlement_report")) == 31

    def test_leaves_a_date_to_the_run_that_settles_it_and_says_which(
        self, core: Core, clock: SettableClock, instance: dg.DagsterInstance
    ) -> None:
        a_due_date(core, clock, 2_500)
        with core.store.hold_due_date(date.fromisoformat(DUE_ON), holder="run 1234"):
            result = settle(core, instance=instance)

        assert result.success
        assert metadata_of(result, "settlement") == metadata_of(result, "settlement_report") == {}
        said = [entry.user_message for entry in instance.all_logs(result.run_id)]
        assert f"{DUE_ON} is being settled by run 1234; nothing was done here" in said

    def test_refuses_a_date_that_has_not_come(
        self, core: Core, clock: SettableClock, instance: dg.DagsterInstance
    ) -> None:
        result = settle(core, instance=instance)

        assert failure_of(result) == f"{DUE_ON} has not come yet: nothing is paid early"

    @pytest.mark.parametrize("name", ["merchant-9", "a\u0000", "", "x" * 300, "naïve"])
    def test_refuses_a_merchant_that_does_not_exist_by_name(
        self, name: str, core: Core, clock: SettableClock, instance: dg.DagsterInstance
    ) -> None:
        a_due_date(core, clock, 2_500)

        result = settle(core, instance=instance, merchants=["merchant-1", name])

        assert failure_of(result) == (
            f"no merchant called {name[:60]!r} has ever made a transaction: nothing was settled"
        )
        assert not [event for event in result.all_events if event.event_type_value == "STEP_UP_FOR_RETRY"]
        assert core.find_unsettled_dates() == [date.fromisoformat(DUE_ON)]

    def test_pays_once_in_two_runs_at_once(self, core: Core, clock: SettableClock) -> None:
        a_due_date(core, clock, *range(100, 160))
        small_chunks = replace(core, settings=core.settings.model_copy(update={"settlement_chunk_payables": 5}))
        start = threading.Barrier(2)

        def run(_: int) -> dg.ExecuteInProcessResult:
            with dg.DagsterInstance.ephemeral() as instance:
                start.wait(30)
                return settle(small_chunks, instance=instance)

        with ThreadPoolExecutor(2) as pool:
            results = list(pool.map(run, range(2)))

        paces = [shown["pace"] for result in results for shown in metadata_of(result, "settlement").values()]
        assert sum(int(pace.split()[0]) for pace in paces) == 60
        assert all(result.success for result in results)

    def test_stops_before_the_report_when_the_books_do_not_balance(
        self, core: Core, clock: SettableClock, instance: dg.DagsterInstance, database_url: str
    ) -> None:
        a_due_date(core, clock, 2_500)
        engine = create_engine(database_url)
        with engine.begin() as connection:
            connection.exec_driver_sql("UPDATE transactions SET amount_minor = 2501")

        result = settle(core, instance=instance)

        assert not result.success
        assert checks_of(result) == {"control_totals": True, "books_balance": False}
        assert metadata_of(result, "settlement_report") == {}
        with engine.begin() as connection:
            connection.exec_driver_sql("UPDATE transactions SET amount_minor = 2500")
        engine.dispose()


class TestABackfillThatWasCancelled:
    @pytest.mark.parametrize("status", [BulkActionStatus.CANCELING, BulkActionStatus.CANCELED])
    def test_has_runs_that_do_nothing_and_end_as_cancelled(
        self, status: BulkActionStatus, core: Core, clock: SettableClock, instance: dg.DagsterInstance
    ) -> None:
        a_due_date(core, clock, 2_500)
        self.add(instance, status=status)

        ended_as_cancelled(instance, lambda: self.run(core, instance))

        [run] = instance.get_runs()
        assert run.status is dg.DagsterRunStatus.CANCELED
        assert core.record_operator_action.newest(limit=1) == []
        assert core.find_unsettled_dates() == [date.fromisoformat(DUE_ON)]

    def test_goes_on_as_long_as_it_was_not(
        self, core: Core, clock: SettableClock, instance: dg.DagsterInstance
    ) -> None:
        a_due_date(core, clock, 2_500)
        self.add(instance, status=BulkActionStatus.REQUESTED)

        assert self.run(core, instance).success

    @staticmethod
    def add(instance: dg.DagsterInstance, *, status: BulkActionStatus) -> None:
        instance.add_backfill(
            PartitionBackfill("later", status, from_failure=False, tags={}, backfill_timestamp=NOON.timestamp())
        )

    @staticmethod
    def run(core: Core, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
        return run_job(
            "settle_due_payables",
            core,
            instance=instance,
            tags={**dates(DUE_ON, DUE_ON), "dagster/backfill": "later", "psp/reason": "a year"},
        )
