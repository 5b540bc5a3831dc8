from __future__ import annotations

from dataclasses import replace
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest
from sqlalchemy.exc import OperationalError

from psp_core.bootstrap import Core
from psp_pipelines.definitions import definitions
from psp_pipelines.payables.queue_sensor import payables_queue_sensor
from tests.builders import SettableClock
from tests.pipelines.operations import DUE_ON, enqueue, metadata_of, run_job, settle


class TestASettledDate:
    def test_stays_in_sync_when_more_payables_are_made(
        self, core: Core, clock: SettableClock, instance: dg.DagsterInstance
    ) -> None:
        enqueue(core, 100)
        run_job("drain_payables", core, instance=instance)
        clock.advance(days=30)
        settle(core, instance=instance)

        enqueue(core, 200)
        run_job("drain_payables", core, instance=instance)

        status = CachingStaleStatusResolver(
            instance, definitions.resolve_asset_graph(), LoadingContextForTest(instance)
        )
        for asset in ("settlement", "settlement_report"):
            assert status.get_status(dg.AssetKey(asset), DUE_ON) is StaleStatus.FRESH


class TestPayables:
    def test_shows_at_once_that_it_works_and_its_totals_in_the_end(
        self, core: Core, instance: dg.DagsterInstance
    ) -> None:
        enqueue(core, 100, 200)

        result = run_job("drain_payables", core, instance=instance)

        shown = [
            event.materialization.metadata["payables_created"].value
            for event in result.get_asset_materialization_events()
        ]
        assert shown == [2, 2]

    def test_goes_on_when_dagster_cannot_be_told(
        self, core: Core, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tell = instance.handle_new_event
        refused: list[dg.EventLogEntry] = []

        def is_away_at_first(event: dg.EventLogEntry, **options: Any) -> None:
            if event.dagster_event_type is dg.DagsterEventType.ASSET_MATERIALIZATION and not refused:
                refused.append(event)
                raise OperationalError("INSERT", None, Exception("the database is away"))
            tell(event, **options)

        monkeypatch.setattr(instance, "handle_new_event", is_away_at_first)
        enqueue(core, 100, 200)

        result = run_job("drain_payables", core, instance=instance)

        assert result.success
        assert len(refused) == 1
        assert metadata_of(result, "payables")[""]["payables_created"] == 2

    def test_works_as_the_standby_that_the_sensor_requests(self, core: Core, instance: dg.DagsterInstance) -> None:
        brief = replace(core, settings=core.settings.model_copy(update={"drain_duration_max_s": 1}))
        with dg.build_sensor_context(instance=instance, resources={"core": brief}, definitions=definitions) as context:
            [request] = payables_queue_sensor.evaluate_tick(context).run_requests or []
        enqueue(core, 100)

        result = run_job("drain_payables", brief, instance=instance, run_config=request.run_config)

        assert result.success
        assert metadata_of(result, "payables")[""]["payables_created"] == 1
