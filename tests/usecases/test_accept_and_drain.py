from __future__ import annotations

import gc
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from psp_core.adapters.sqs import SqsQueue
from psp_core.bootstrap import Core, sqs_settings
from psp_core.domain.events import OutgoingMessage, QueueDepth, QueueMessage
from psp_core.domain.intake.transactions import NewTransaction, PaymentMethod, TransactionFilter, TransactionStatus
from psp_core.domain.kernel.errors import IdempotencyKeyReused, QueueUnavailable, RequestInProgress, StorageUnavailable
from psp_core.domain.kernel.paging import Page
from psp_core.domain.payables import PayableFilter, PayableStatus
from psp_core.domain.pricing.fee_plans import ChangedTerms
from psp_core.ports.events import SendOutcome
from psp_core.ports.store import Store, UnitOfWork
from psp_core.settings import Settings
from psp_core.usecases.events.keep_relaying import KeepRelaying
from psp_core.usecases.intake.accept_transactions import Answer
from tests.builders import NOON, SettableClock, a_new_transaction, a_submission
from tests.reach import postgres
from tests.waiting import wait_for
from tests.wrapped import WrappedQueue, WrappedStore


def count_transactions(core: Core) -> int:
    return len(core.read_merchant.transactions("merchant-1", where=TransactionFilter(), page=Page()))


def all_payables(core: Core, customer_id: str = "merchant-1") -> list[int]:
    rows = core.read_merchant.payables(customer_id, where=PayableFilter(), page=Page(limit=10_000))
    return sorted(row.amount.minor for row in rows)


@contextmanager
def relaying(core: Core, **changes: Any) -> Iterator[KeepRelaying]:
    relay = replace(core, settings=core.settings.model_copy(update=changes)).keep_relaying()
    relay.start()
    try:
        yield relay
    finally:
        relay.stop()


def accept_and_wake(core: Core, relay: KeepRelaying) -> None:
    core.accept_transactions([a_submission()])
    relay.wake()


@dataclass
class CutOffAfterCommit:
    """The real store, which nobody reaches any more once a commit is through."""

    store: Store
    failure: Exception

    def accept(self, *args: Any, **named: Any) -> list[bool]:
        return self.store.accept(*args, **named)

    def __getattr__(self, name: str) -> Any:
        raise self.failure


class TestAcceptTransactions:
    def test_stores_many_merchants_requests_in_one_commit(self, core: Core) -> None:
        outcomes = core.accept_transactions(
            [a_submission(), a_submission(a_new_transaction(customer_id="merchant-2", amount_minor=33))]
        )

        assert all(isinstance(outcome, Answer) and not outcome.replayed for outcome in outcomes)
        [row] = core.read_merchant.transactions("merchant-2", where=TransactionFilter(), page=Page())
        assert row.amount.minor == 33
        with core.store.begin() as work:
            [entry] = work.outbox.claim(limit=10)
        assert len(entry.transaction_ids) == 2

    def test_prepares_transactions_at_the_callers_pace(self, core: Core) -> None:
        prepared: list[NewTransaction] = []

        def through(rows: Sequence[NewTransaction]) -> Iterator[NewTransaction]:
            for row in rows:
                prepared.append(row)
                yield row

        rows = [a_new_transaction(amount_minor=amount_minor) for amount_minor in (1, 2, 3)]
        core.accept_transactions([a_submission(*rows), a_submission()], through=through)

        assert prepared[:3] == rows
        assert len(prepared) == 4

    def test_repeats_the_first_answer_to_a_key(self, core: Core, clock: SettableClock) -> None:
        [first] = core.accept_transactions([a_submission(key="k")])
        clock.advance(days=6)

        [second] = core.accept_transactions([a_submission(key="k")])

        assert isinstance(first, Answer)
        assert second == Answer(first.body, replayed=True)
        assert count_transactions(core) == 1

    def test_refuses_a_key_with_another_request(self, core: Core) -> None:
        core.accept_transactions([a_submission(key="k", request=b"one")])

        [outcome] = core.accept_transactions([a_submission(key="k", request=b"two")])

        assert isinstance(outcome, IdempotencyKeyReused)
        assert count_transactions(core) == 1

    def test_keeps_keys_apart_by_merchant(self, core: Core) -> None:
        outcomes = core.accept_transactions(
            [a_submission(key="k"), a_submission(a_new_transaction(customer_id="merchant-2"), key="k")]
        )

        assert [isinstance(outcome, Answer) for outcome in outcomes] == [True, True]

    def test_takes_a_key_once_when_it_comes_twice_in_one_commit(self, core: Core) -> None:
        first, second = core.accept_transactions([a_submission(key="k"), a_submission(key="k")])

        assert isinstance(first, Answer)
        assert isinstance(second, RequestInProgress)
        assert count_transactions(core) == 1

    def test_takes_a_key_once_when_many_processes_race(self, core: Core) -> None:
        with ThreadPoolExecutor(8) as pool:
            outcomes = list(pool.map(lambda _: core.accept_transactions([a_submission(key="k")])[0], range(40)))

        answers = [outcome for outcome in outcomes if isinstance(outcome, Answer)]
        assert len({answer.body for answer in answers}) == 1
        assert [answer.replayed for answer in answers].count(False) == 1
        assert count_transactions(core) == 1

    def test_repeats_one_request_and_stores_its_neighbours(self, core: Core) -> None:
        batch = [a_new_transaction(amount_minor=amount) for amount in (1, 2, 3)]
        [first] = core.accept_transactions([a_submission(*batch, key="k")])
        with core.store.begin() as work:
            work.outbox.delete([entry.id for entry in work.outbox.claim(limit=10)])

        before, again, behind = core.accept_transactions(
            [a_submission(), a_submission(*batch, key="k"), a_submission(key="new")]
        )

        assert isinstance(first, Answer)
        assert again == Answer(first.body, replayed=True)
        assert isinstance(before, Answer)
        assert isinstance(behind, Answer)
        assert count_transactions(core) == 5
        with core.store.begin() as work:
            [entry] = work.outbox.claim(limit=10)
        assert [str(id) for id in entry.transaction_ids] == [before.body.decode(), behind.body.decode()]

    def test_needs_no_prepared_statement(self, core: Core) -> None:
        pooled = replace(core, store=replace(postgres(core.store), prepares=False))

        first, other = pooled.accept_transactions([a_submission(key="k"), a_submission()])
        again, new = core.accept_transactions([a_submission(key="k"), a_submission(key="new")])

        assert isinstance(first, Answer)
        assert isinstance(other, Answer)
        assert again == Answer(first.body, replayed=True)
        assert isinstance(new, Answer)
        assert count_transactions(core) == 3

    def test_enters_nothing_into_the_outbox_when_nothing_is_stored(self, core: Core) -> None:
        core.accept_transactions([a_submission(key="k")])

        core.accept_transactions([a_submission(key="k")])

        with core.store.begin() as work:
            assert len(work.outbox.claim(limit=10)) == 1

    @pytest.mark.parametrize("failure", [StorageUnavailable("cut off"), ValueError("broken")])
    def test_tells_those_who_are_stored_when_a_first_answer_cannot_be_read(
        self, core: Core, failure: Exception
    ) -> None:
        core.accept_transactions([a_submission(key="k")])
        cut_off = replace(core, store=CutOffAfterCommit(core.store, failure))

        repeated, new = cut_off.accept_transactions([a_submission(key="k"), a_submission(key="new")])

        assert isinstance(repeated, type(failure))
        assert isinstance(new, Answer)
        assert count_transactions(core) == 2

    def test_stores_all_of_a_request_or_nothing(self, core: Core) -> None:
        too_much = a_new_transaction(amount_minor=10**12 + 1)

        with pytest.raises(Exception, match="transactions_amount_check"):
            core.accept_transactions([a_submission(a_new_transaction(), too_much, key="k")])

        assert count_transactions(core) == 0
        [again] = core.accept_transactions([a_submission(key="k")])
        assert again == Answer(again.body if isinstance(again, Answer) else b"", replayed=False)


@dataclass
class FaultyQueue(WrappedQueue):
    """The real queue behind a line that loses what the test says."""

    down: bool = False
    broken: bool = False
    refused: frozenset[int] = frozenset()

    def send(self, messages: Sequence[OutgoingMessage]) -> SendOutcome:
        if self.down:
            raise QueueUnavailable("down")
        self.queue.send([message for index, message in enumerate(messages) if index not in self.refused])
        return SendOutcome(self.refused)

    def receive(self, *, wait_s: int) -> list[QueueMessage]:
        if self.broken:
            raise MemoryError("broken")
        if self.down:
            raise QueueUnavailable("down")
        return self.queue.receive(wait_s=wait_s)


@dataclass
class FaultyStore(WrappedStore):
    """The real store, which cannot be reached for the next so many times."""

    down_for: int

    def begin(self) -> AbstractContextManager[UnitOfWork]:
        if self.down_for:
            self.down_for -= 1
            raise StorageUnavailable("down")
        return self.store.begin()


def send_as_they_are(settings: Settings, *bodies: str) -> None:
    """Send letters that are none of the platform's."""
    client = SqsQueue(sqs_settings(settings)).client
    url = client.get_queue_url(QueueName=settings.sqs_queue_name)["QueueUrl"]
    for body in bodies:
        client.send_message(QueueUrl=url, MessageBody=body)


class TestRelayOutbox:
    def test_sends_everything_once_in_full_messages(self, core: Core) -> None:
        core.accept_transactions([a_submission(*[a_new_transaction()] * 450)])

        report = core.relay_outbox()

        assert (report.entries, report.messages, report.transactions) == (1, 3, 450)
        assert core.queue.depth().waiting == 3
        assert core.relay_outbox().entries == 0

    def test_keeps_what_an_outage_did_not_take(self, core: Core) -> None:
        line = FaultyQueue(core.queue, down=True)
        core.accept_transactions([a_submission()])

        with pytest.raises(QueueUnavailable):
            replace(core.relay_outbox, queue=line)()
        line.down = False
        report = replace(core.relay_outbox, queue=line)()

        assert report.transactions == 1

    def test_sends_again_the_entries_that_sqs_refused(self, core: Core) -> None:
        for amount in (100, 200, 300):
            core.accept_transactions([a_submission(a_new_transaction(amount_minor=amount))])
        relay = replace(core.relay_outbox, message_transactions_max=1)

        first = replace(relay, queue=FaultyQueue(core.queue, refused=frozenset({1})))()
        second = relay()

        assert (first.entries, first.failed_entries, second.entries) == (2, 1, 1)
        core.drain_queue()
        assert all_payables(core) == [100, 200, 300]

    def test_shares_the_work_with_other_relays(self, core: Core) -> None:
        for _ in range(60):
            core.accept_transactions([a_submission()])
        relay = replace(core.relay_outbox, entries_max=5)

        with ThreadPoolExecutor(4) as pool:
            reports = list(pool.map(lambda _: relay(), range(16)))
        core.keep_relaying().run_until_empty()

        assert sum(report.transactions for report in reports) <= 60
        core.drain_queue()
        assert len(all_payables(core)) == 60


class TestDrainQueue:
    def test_makes_payables_by_the_merchants_terms(self, core: Core) -> None:
        debit = a_new_transaction(amount_minor=33, payment_method=PaymentMethod.DEBIT_CARD)
        core.accept_transactions([a_submission(a_new_transaction(amount_minor=999), debit)])
        core.relay_outbox()

        report = core.drain_queue()

        assert (report.created, report.left_messages) == (2, 0)
        paid, waiting = sorted(
            core.read_merchant.payables("merchant-1", where=PayableFilter(), page=Page()),
            key=lambda payable: payable.amount.minor,
        )
        assert (paid.status, paid.receivable.minor, paid.paid_at) == (PayableStatus.PAID, 33, NOON)
        assert (waiting.status, waiting.receivable.minor) == (PayableStatus.WAITING_FUNDS, 950)
        assert waiting.payment_at == NOON + timedelta(days=30)

    def test_changes_nothing_when_a_message_comes_again(self, core: Core) -> None:
        core.accept_transactions([a_submission()])
        [row] = core.read_merchant.transactions("merchant-1", where=TransactionFilter(), page=Page())
        core.queue.send([OutgoingMessage([row.id]), OutgoingMessage([row.id, row.id])])
        core.relay_outbox()

        report = core.drain_queue()

        assert (report.messages, report.created) == (3, 1)
        assert all_payables(core) == [2_500]

    def test_makes_payables_once_in_many_drains_at_once(self, core: Core) -> None:
        core.accept_transactions([a_submission(*[a_new_transaction(amount_minor=n) for n in range(1, 501)])])
        rows = core.read_merchant.transactions("merchant-1", where=TransactionFilter(), page=Page(limit=500))
        ids = [row.id for row in rows]
        core.queue.send([OutgoingMessage(ids[start : start + 50]) for start in range(0, 500, 25)])

        with ThreadPoolExecutor(4) as pool:
            reports = list(pool.map(lambda _: core.drain_queue(), range(4)))

        assert sum(report.created for report in reports) == 500
        assert all_payables(core) == sorted(range(1, 501))

    def test_stays_as_a_standby_however_empty_the_queue_is(self, core: Core) -> None:
        patient = replace(core, settings=core.settings.model_copy(update={"drain_duration_max_s": 4}))

        with ThreadPoolExecutor(1) as pool:
            drain = pool.submit(patient.drain_queue, is_standby=True)
            time.sleep(1.5)  # long after the others end: these tests' drains do not linger
            core.accept_transactions([a_submission()])
            core.relay_outbox()

            assert drain.result().created == 1

    def test_outlives_a_short_outage_after_a_long_quiet_time(self, core: Core) -> None:
        changes = {"drain_duration_max_s": 10, "drain_linger_s": 3}
        line = FaultyQueue(core.queue)
        patient = replace(core, queue=line, settings=core.settings.model_copy(update=changes))

        with ThreadPoolExecutor(1) as pool:
            drain = pool.submit(patient.drain_queue, is_standby=True)
            time.sleep(4)  # longer than it would linger
            line.down = True
            time.sleep(1)
            line.down = False
            core.accept_transactions([a_submission()])
            core.relay_outbox()

            assert drain.result().created == 1

    def test_outlives_an_outage_of_the_database_with_what_it_has_in_hand(self, core: Core) -> None:
        core.accept_transactions([a_submission(), a_submission()])
        core.relay_outbox()
        patient = replace(core, settings=core.settings.model_copy(update={"drain_duration_max_s": 60}))
        line = FaultyStore(core.store, down_for=3)
        drain = replace(patient.drain_queue, create_payables=replace(core.create_payables, store=line))

        report = drain()

        assert (line.down_for, report.created, report.commits) == (0, 2, 1)
        assert all_payables(core) == [2_500, 2_500]
        assert core.queue.depth() == QueueDepth(waiting=0, in_flight=0)

    def test_ends_with_an_outage_of_the_database_that_lasts_longer_than_its_time(self, core: Core) -> None:
        core.accept_transactions([a_submission()])
        core.relay_outbox()
        line = FaultyStore(core.store, down_for=1_000)
        hasty = replace(core, settings=core.settings.model_copy(update={"drain_duration_max_s": 1}))
        drain = replace(hasty.drain_queue, create_payables=replace(core.create_payables, store=line))

        with pytest.raises(StorageUnavailable):
            drain()

    @pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
    def test_ends_when_a_receiver_dies(self, core: Core) -> None:
        line = FaultyQueue(core.queue, broken=True)
        standby = replace(core, queue=line, settings=core.settings.model_copy(update={"drain_duration_max_s": 60}))

        with pytest.raises(MemoryError):
            standby.drain_queue(is_standby=True)

    def test_leaves_letters_that_nobody_can_read(self, core: Core, settings: Settings) -> None:
        send_as_they_are(settings, *["[" * 100_000] * 3, "{}", '{"v":1}')
        core.accept_transactions([a_submission()])
        core.relay_outbox()

        report = core.drain_queue()

        assert (report.left_messages, report.created) == (5, 1)

    def test_leaves_what_it_cannot_process_to_the_dead_letter_queue(self, core: Core) -> None:
        core.accept_transactions([a_submission()])
        [row] = core.read_merchant.transactions("merchant-1", where=TransactionFilter(), page=Page())
        core.queue.send([OutgoingMessage([UUID(int=7), row.id])])

        report = core.drain_queue()

        assert report.left_messages == 1
        assert report.unknown == {UUID(int=7)}
        assert all_payables(core) == [2_500]
        assert core.queue.depth().in_flight == 1

    def test_leaves_pythons_search_for_cycles_as_it_was_whatever_happens(self, core: Core) -> None:
        core.create_payables([])
        assert gc.isenabled()
        broken = replace(core.create_payables, store=_Unreachable(core.store))

        with pytest.raises(StorageUnavailable):
            broken([])
        assert gc.isenabled()


class _Unreachable(WrappedStore):
    def begin(self) -> AbstractContextManager[UnitOfWork]:
        raise StorageUnavailable


class TestKeepRelaying:
    def test_sends_the_first_at_once_and_lets_the_next_gather(self, core: Core) -> None:
        with relaying(core, relay_pause_s=60) as relay:
            accept_and_wake(core, relay)
            wait_for(lambda: core.queue.depth().waiting == 1, within_s=10, what="1 messages")
            for _ in range(3):
                accept_and_wake(core, relay)
            time.sleep(0.5)

            assert core.queue.depth().waiting == 1

    def test_leaves_no_pause_before_a_backlog(self, core: Core) -> None:
        for _ in range(3):
            core.accept_transactions([a_submission()])

        with relaying(core, relay_pause_s=60, relay_entries_max=1):
            wait_for(lambda: core.queue.depth().waiting == 3, within_s=10, what="3 messages")


class TestRepairTransactions:
    def test_enqueues_what_the_queue_lost(self, core: Core, clock: SettableClock) -> None:
        core.accept_transactions([a_submission(*[a_new_transaction()] * 3)])
        with core.store.begin() as work:
            work.outbox.delete([entry.id for entry in work.outbox.claim(limit=10)])
        clock.advance(minutes=11)

        found = core.repair_transactions(limit=100)

        assert found == 3
        core.relay_outbox()
        core.drain_queue()
        assert len(all_payables(core)) == 3

    def test_leaves_young_and_finished_transactions_alone(self, core: Core, clock: SettableClock) -> None:
        core.accept_transactions([a_submission()])
        core.relay_outbox()
        core.drain_queue()
        clock.advance(minutes=11)
        core.accept_transactions([a_submission()])

        assert core.repair_transactions(limit=9) == 0


class TestChangeFeePlan:
    def test_leaves_earlier_transactions_their_terms(self, core: Core, clock: SettableClock) -> None:
        core.accept_transactions([a_submission(a_new_transaction(amount_minor=1_000))])
        clock.advance(minutes=1)
        core.change_fee_plan(
            "merchant-1", terms=ChangedTerms(credit_fee_bps=100, debit_fee_bps=0, credit_delay_days=1), may_be_new=True
        )
        core.accept_transactions([a_submission(a_new_transaction(amount_minor=2_000))])
        core.relay_outbox()

        core.drain_queue()

        payables = core.read_merchant.payables("merchant-1", where=PayableFilter(), page=Page())
        terms = {payable.amount.minor: (payable.fee_bps, (payable.payment_at - NOON).days) for payable in payables}
        assert terms == {1_000: (500, 30), 2_000: (100, 1)}

    def test_debit_stays_paid_at_once(self, core: Core) -> None:
        core.accept_transactions([a_submission(a_new_transaction(payment_method=PaymentMethod.DEBIT_CARD))])

        [row] = core.read_merchant.transactions("merchant-1", where=TransactionFilter(), page=Page())

        assert row.status is TransactionStatus.PAID
