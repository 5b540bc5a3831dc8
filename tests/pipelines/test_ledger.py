"""The ledger's jobs and assets, run in this process."""

from __future__ import annotations

import dagster as dg

from psp_core.bootstrap import Core
from tests.builders import SettableClock
from tests.pipelines.operations import enqueue, failure_of, metadata_of, run_job, settle
from tests.usecases.ledger.books_of import execute


class TestLedgerOpening:
    def test_is_looked_at_by_the_watch(self, core: Core, instance: dg.DagsterInstance) -> None:
        result = run_job("watch", core, instance=instance)

        assert metadata_of(result, "ledger_opening")[""]["has_ended"] is True


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
