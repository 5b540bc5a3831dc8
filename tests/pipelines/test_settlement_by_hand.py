from __future__ import annotations

import re
from datetime import date

import dagster as dg
import pytest

from psp_core.bootstrap import Core
from tests.builders import SettableClock
from tests.pipelines.operations import (
    DUE_ON,
    SCHEDULED,
    a_due_date,
    checks_of,
    ended_as_cancelled,
    metadata_of,
    run_job,
    settle,
)


class TestSettlementByHand:
    def test_needs_a_reason(self, core: Core, clock: SettableClock, instance: dg.DagsterInstance) -> None:
        a_due_date(core, clock, 2_500)

        said = ended_as_cancelled(instance, lambda: settle(core, instance=instance, by_hand=True))

        assert said == "settle by hand needs a reason"
        assert core.find_unsettled_dates() == [date.fromisoformat(DUE_ON)]

    @pytest.mark.parametrize("tag", ["psp/by_hand", "dagster/backfill"])
    def test_is_by_hand_whatever_tags_it_inherits(
        self, core: Core, clock: SettableClock, instance: dg.DagsterInstance, tag: str
    ) -> None:
        a_due_date(core, clock, 2_500)

        def again(**tags: str) -> dg.ExecuteInProcessResult:
            tags = {**SCHEDULED, tag: "x", **tags}
            return run_job("settle_due_payables", core, instance=instance, partition_key=DUE_ON, tags=tags)

        assert ended_as_cancelled(instance, again) == "settle by hand needs a reason"
        assert again(**{"psp/reason": "the first one was ended"}).success
        assert [action.reason for action in core.record_operator_action.newest(limit=9)] == ["the first one was ended"]

    def test_is_recorded_with_its_reason(self, core: Core, clock: SettableClock, instance: dg.DagsterInstance) -> None:
        a_due_date(core, clock, 2_500)

        result = settle(core, instance=instance, by_hand=True, reason="the schedule was off")

        [action] = core.record_operator_action.newest(limit=10)
        assert (action.action, action.reason, action.run_id) == ("settle", "the schedule was off", result.run_id)
        assert action.details["dates"] == f"{DUE_ON}/{DUE_ON}"

    def test_pays_only_the_merchants_asked_for(
        self, core: Core, clock: SettableClock, instance: dg.DagsterInstance
    ) -> None:
        a_due_date(core, clock, 100)
        a_due_date(core, clock, 100, customer_id="merchant-2")

        result = settle(core, instance=instance, by_hand=True, reason="urgent", merchants=["merchant-2"])

        merchants = metadata_of(result, "settlement")[DUE_ON]["largest_merchants"].records
        assert [record.data["merchant"] for record in merchants] == ["merchant-2"]

    def test_only_shows_in_a_dry_run(self, core: Core, clock: SettableClock, instance: dg.DagsterInstance) -> None:
        a_due_date(core, clock, 2_500)

        result = settle(core, instance=instance, by_hand=True, reason="how much is it?", dry_run=True)

        assert result.success
        assert metadata_of(result, "settlement") == metadata_of(result, "settlement_report") == {}
        [observation] = [event for event in result.all_events if event.event_type_value == "ASSET_OBSERVATION"]
        shown = observation.asset_observation_data.asset_observation.metadata
        assert "| BRL | 1 | 25.00 | 1.25 | 23.75 |" in str(shown["would_be_paid"].value)
        assert checks_of(result) == {}
        assert core.find_unsettled_dates() == [date.fromisoformat(DUE_ON)]

    def test_compares_with_what_is_stored_in_a_dry_run(
        self, core: Core, clock: SettableClock, instance: dg.DagsterInstance
    ) -> None:
        a_due_date(core, clock, 2_500)

        result = settle(core, instance=instance, by_hand=True, reason="what differs?", dry_run=True, diff=True)

        [observation] = [event for event in result.all_events if event.event_type_value == "ASSET_OBSERVATION"]
        shown = observation.asset_observation_data.asset_observation.metadata
        added, missing = (shown[name].value for name in ("lines_that_would_be_added", "lines_that_are_missing"))
        assert [(row.data["merchant"], row.data["net"]) for row in added.records] == [("merchant-1", "23.75")]  # type: ignore[union-attr]
        assert missing.records == []  # type: ignore[union-attr]

    def test_says_with_no_word_of_a_dry_run_that_anything_was_done(
        self, core: Core, clock: SettableClock, instance: dg.DagsterInstance
    ) -> None:
        a_due_date(core, clock, 2_500)

        result = settle(core, instance=instance, by_hand=True, reason="how much is it?", dry_run=True)

        [observation] = [event for event in result.all_events if event.event_type_value == "ASSET_OBSERVATION"]
        metadata = observation.asset_observation_data.asset_observation.metadata
        words = [f"{name} {value.value}" for name, value in metadata.items()]
        words += [entry.message for entry in instance.all_logs(result.run_id) if not entry.is_dagster_event]
        assert "Nothing was paid" in words[0]
        assert "Would be paid now: BRL 23.75; payables: 1." in words[0]
        assert any("1 payables would be" in word for word in words)
        assert not [word for word in words if re.search("settled|succeeded|written|passed|per_s", word)]

    def test_leaves_a_red_check_red_in_a_dry_run(
        self, core: Core, clock: SettableClock, instance: dg.DagsterInstance
    ) -> None:
        a_due_date(core, clock, 2_500)

        result = settle(core, instance=instance, by_hand=True, reason="how much is it?", dry_run=True)

        assert not [event for event in result.all_events if event.event_type_value == "ASSET_CHECK_EVALUATION"]
