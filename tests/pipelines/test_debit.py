"""Debit is gathered by the sweep, after midnight, and shown apart from what is paid out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from psp_core.bootstrap import Core
from psp_core.domain.intake.transactions import PaymentMethod
from psp_pipelines.definitions import definitions
from psp_pipelines.schedules import early_dates_sweep, settlement_sweep
from tests.builders import NOON, SettableClock, a_new_transaction, a_submission
from tests.pipelines.operations import checks_of, dates, metadata_of, run_job

DAY = NOON.date().isoformat()
MIDNIGHT = datetime(2026, 3, 11, tzinfo=UTC)


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """Dagster's own records in a folder: a schedule's context takes no others."""
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        yield instance


def sell_by_debit_card(core: Core) -> None:
    core.accept_transactions([a_submission(a_new_transaction(payment_method=PaymentMethod.DEBIT_CARD))])
    core.keep_relaying().run_until_empty()
    core.drain_queue()


def swept(
    core: Core, instance: dg.DagsterInstance, schedule: dg.ScheduleDefinition = settlement_sweep
) -> list[dg.RunRequest]:
    with dg.build_schedule_context(
        instance=instance,
        scheduled_execution_time=core.clock.now(),
        resources={"core": core},
        repository_def=definitions.get_repository_def(),
    ) as context:
        return list(schedule.evaluate_tick(context).run_requests or [])


class TestTheSweep:
    def test_has_yesterdays_debit_gathered_reported_and_shown_apart(
        self, core: Core, clock: SettableClock, instance: dg.DagsterInstance
    ) -> None:
        sell_by_debit_card(core)
        clock.instant = MIDNIGHT - timedelta(seconds=1)
        assert swept(core, instance) == []
        clock.instant = MIDNIGHT

        [request] = swept(core, instance)
        tags = {**request.tags, "dagster/schedule_name": "settlement_sweep"}
        result = run_job("settle_due_payables", core, instance=instance, tags=tags, run_config=request.run_config)

        assert dates(DAY, DAY).items() <= request.tags.items()
        assert checks_of(result) == {"control_totals": True, "books_balance": True, "report_balances": True}
        shown = metadata_of(result, "settlement")[DAY]
        assert (shown["payables"], shown["settled_for_the_date"]) == (0, "nothing")
        assert "| BRL | 1 | 25.00 | 0.75 | 24.25 |" in shown["already_available"]
        report = metadata_of(result, "settlement_report")[DAY]
        assert (report["lines"], report["control_totals"]) == (1, "nothing")
        assert "| BRL | 1 | 25.00 | 0.75 | 24.25 |" in report["already_available"]
        assert swept(core, instance) == []

    def test_of_the_dates_without_a_partition_gathers_theirs(
        self, core: Core, clock: SettableClock, instance: dg.DagsterInstance
    ) -> None:
        clock.instant = datetime(2023, 12, 1, 12, tzinfo=UTC)
        sell_by_debit_card(core)
        clock.instant = NOON
        assert swept(core, instance) == []

        [request] = swept(core, instance, early_dates_sweep)
        tags = {**request.tags, "dagster/schedule_name": "early_dates_sweep"}
        result = run_job("settle_early_dates", core, instance=instance, tags=tags, run_config=request.run_config)

        assert result.success
        assert swept(core, instance, early_dates_sweep) == []
