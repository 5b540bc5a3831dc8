"""The ledger's jobs and assets, run in this process."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import dagster as dg

from psp_core.bootstrap import Core
from psp_pipelines.definitions import definitions
from psp_pipelines.schedules import nightly_seal
from tests.builders import NOON, SettableClock
from tests.pipelines.operations import checks_of, enqueue, failure_of, metadata_of, run_job, settle
from tests.usecases.ledger.books_of import execute


class TestLedgerOpening:
    def test_is_looked_at_by_the_watch(self, core: Core, instance: dg.DagsterInstance) -> None:
        result = run_job("watch", core, instance=instance)

        assert metadata_of(result, "ledger_opening")[""]["has_ended"] is True


class TestLedgerDay:
    def test_seals_a_date_and_shows_its_trial_balance(
        self, core: Core, clock: SettableClock, instance: dg.DagsterInstance
    ) -> None:
        enqueue(core, 8_000)
        core.drain_queue()
        clock.advance(days=2)

        result = run_job("seal_ledger", core, instance=instance, partition_key="2026-03-11")

        shown = metadata_of(result, "ledger_day")["2026-03-11"]
        assert checks_of(result) == {"seal_holds": True}
        assert [(row.data["account"], row.data["balance"]) for row in shown["trial_balance"].records] == [
            ("acquirer_receivable", "80.00"),
            ("fee_revenue", "4.00"),
            ("merchant_pending", "76.00"),
        ]
        assert core.verify_ledger().days == 2
        again = run_job("seal_ledger", core, instance=instance, partition_key="2026-03-11")
        assert metadata_of(again, "ledger_day")["2026-03-11"]["sha256"] == shown["sha256"]

    def test_fails_when_a_sealed_date_was_changed(
        self, core: Core, clock: SettableClock, instance: dg.DagsterInstance
    ) -> None:
        enqueue(core, 8_000)
        core.drain_queue()
        clock.advance(days=1)
        core.seal_days(NOON.date())
        execute(core.settings, "UPDATE ledger_entries SET recorded_at = recorded_at + interval '1 second'")

        result = run_job("seal_ledger", core, instance=instance, partition_key="2026-03-10")

        assert checks_of(result) == {"seal_holds": False}
        assert "hash to" in failure_of(result)

    def test_is_not_sealed_before_it_is_over(self, core: Core, instance: dg.DagsterInstance) -> None:
        result = run_job("seal_ledger", core, instance=instance, partition_key="2026-03-10")

        assert "is not over" in failure_of(result)


class TestNightlySeal:
    def test_asks_for_the_day_before(self, core: Core, tmp_path: Path) -> None:
        with dg.DagsterInstance.local_temp(str(tmp_path)) as instance, night(core, instance) as context:
            [request] = nightly_seal.evaluate_tick(context).run_requests or []

        assert request.partition_key == "2026-03-10"

    def test_waits_for_the_opening(self, core: Core, tmp_path: Path) -> None:
        execute(core.settings, "INSERT INTO ledger_state (opened_until) VALUES (gen_random_uuid())")

        with dg.DagsterInstance.local_temp(str(tmp_path)) as instance, night(core, instance) as context:
            assert not nightly_seal.evaluate_tick(context).run_requests
        execute(core.settings, "UPDATE ledger_state SET opening_ended_at = now()")


def night(core: Core, instance: dg.DagsterInstance) -> dg.ScheduleEvaluationContext:
    return dg.build_schedule_context(
        instance=instance,
        scheduled_execution_time=datetime(2026, 3, 11, 2, 30, tzinfo=UTC),
        resources={"core": core},
        repository_def=definitions.get_repository_def(),
    )


class TestCheckAllBooks:
    def test_finds_nothing_wrong_with_good_books(
        self, core: Core, clock: SettableClock, instance: dg.DagsterInstance
    ) -> None:
        enqueue(core, 100)
        core.drain_queue()
        clock.advance(days=30)
        settle(core, instance=instance)

        assert run_job("check_all_books", core, instance=instance).success

    def test_fails_with_what_is_wrong(self, core: Core, instance: dg.DagsterInstance) -> None:
        enqueue(core, 100)
        core.drain_queue()
        execute(core.settings, "UPDATE ledger_balances SET pending_minor = pending_minor + 1")

        result = run_job("check_all_books", core, instance=instance)

        assert "ledger_pending_is_what_waits" in failure_of(result)
        execute(core.settings, "UPDATE ledger_balances SET pending_minor = pending_minor - 1")
