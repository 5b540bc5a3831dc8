from __future__ import annotations

from psp_core.bootstrap import Core
from psp_core.usecases.operations.check_flow import OUTBOX_LATE_S
from tests.builders import NOON, SettableClock, a_new_transaction, a_submission


def accept(core: Core, count: int = 1) -> None:
    core.accept_transactions([a_submission(*[a_new_transaction() for _ in range(count)])])


def lose_the_queue(core: Core) -> None:
    core.keep_relaying().run_until_empty()
    while messages := core.queue.receive(wait_s=0):
        core.queue.delete([message.receipt for message in messages])


class TestCheckFlow:
    def test_counts_what_waits_where(self, core: Core, clock: SettableClock) -> None:
        accept(core)
        core.keep_relaying().run_until_empty()
        accept(core)
        clock.advance(minutes=2)

        flow = core.check_flow()

        assert (flow.outbox.entries, flow.queue.waiting, flow.dead_letters.waiting) == (1, 1, 0)
        assert flow.outbox.oldest_age_s > OUTBOX_LATE_S
        assert flow.is_late

    def test_finds_transactions_whose_message_was_lost(self, core: Core, clock: SettableClock) -> None:
        accept(core, 3)
        lose_the_queue(core)
        clock.advance(minutes=11)

        report = core.check_flow.strays()

        assert len(report.strays) == 3
        assert not report.on_their_way

    def test_knows_those_that_only_wait(self, core: Core, clock: SettableClock) -> None:
        accept(core, 3)
        clock.advance(minutes=11)

        assert core.check_flow.strays().on_their_way

    def test_looks_at_new_ones_only_when_told_what_was_checked(self, core: Core, clock: SettableClock) -> None:
        accept(core)
        lose_the_queue(core)
        clock.advance(minutes=30)

        report = core.check_flow.strays(checked_from=clock.now())

        assert report.strays == []
        assert report.checked_until > NOON

    def test_finds_none_once_they_are_repaired(self, core: Core, clock: SettableClock) -> None:
        accept(core, 3)
        lose_the_queue(core)
        clock.advance(minutes=11)

        repaired = core.repair_transactions(created_from=NOON, limit=100)

        core.keep_relaying().run_until_empty()
        assert repaired == core.drain_queue().created == 3
        assert core.check_flow.strays().strays == []
