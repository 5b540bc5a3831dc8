from __future__ import annotations

import dagster as dg

from psp_core.bootstrap import Core
from tests.builders import SettableClock
from tests.pipelines.operations import enqueue, run_job

DUE_ON = "2026-04-09"  # 30 days after NOON


class TestSettlement:
    def test_pays_what_is_due(self, core: Core, clock: SettableClock, instance: dg.DagsterInstance) -> None:
        enqueue(core, 2_500, 999)
        assert run_job("drain_payables", core, instance=instance).success
        clock.advance(days=30)

        result = run_job("settle_due_payables", core, instance=instance, partition_key=DUE_ON)

        assert result.success
        [event] = result.get_asset_materialization_events()
        assert event.partition == DUE_ON
        assert event.materialization.metadata["payables_settled"].value == 2

    def test_settles_a_range_in_one_run(self, core: Core, clock: SettableClock, instance: dg.DagsterInstance) -> None:
        enqueue(core, 2_500, 999)
        run_job("drain_payables", core, instance=instance)
        clock.advance(days=30)

        result = run_job(
            "settle_due_payables",
            core,
            instance=instance,
            tags={
                "dagster/asset_partition_range_start": "2026-04-07",
                "dagster/asset_partition_range_end": "2026-04-09",
            },
        )

        settled = {
            event.partition: event.materialization.metadata["payables_settled"].value
            for event in result.get_asset_materialization_events()
        }
        assert settled == {"2026-04-07": 0, "2026-04-08": 0, "2026-04-09": 2}
