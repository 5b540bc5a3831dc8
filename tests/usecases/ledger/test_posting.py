"""Captures and settlements post once, in their own commits, whatever is killed, repeated or done at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import create_engine

from psp_core.bootstrap import Core
from psp_core.domain.intake.transactions import PaymentMethod
from psp_core.domain.kernel.calendar import BankCalendar
from psp_core.domain.kernel.money import Currency
from psp_core.domain.pricing.fee_plans import ChangedTerms
from psp_core.ports.store import Store, UnitOfWork
from psp_core.settings import Settings
from tests.builders import NOON, SettableClock, a_new_transaction, a_submission
from tests.killed import DiesWhenItPosts, Killed
from tests.usecases.ledger.books_of import accept_and_drain, balances, entries, execute, postings, rows_of
from tests.wrapped import WrappedStore

DUE_ON = date(2026, 4, 9)  # 30 days after NOON
TRANSACTION_IDS = "SELECT id FROM transactions ORDER BY id"


@dataclass
class CountsChanges(WrappedStore):
    """The real store, and of each commit how many balances it added and changed."""

    store: Store
    changes: list[tuple[int, int]] = field(default_factory=list)

    def begin(self) -> AbstractContextManager[UnitOfWork]:
        return self._begin()

    @contextmanager
    def _begin(self) -> Iterator[Any]:
        with self.store.begin() as work:
            yield work
            counted = work.connection.exec_driver_sql(  # type: ignore[attr-defined]
                "SELECT n_tup_ins, n_tup_upd FROM pg_stat_xact_user_tables WHERE relname = 'ledger_balances'"
            )
            self.changes.append(tuple(counted.one()))


class TestCapture:
    def test_books_a_credit_as_pending_and_a_debit_as_available(self, core: Core) -> None:
        accept_and_drain(
            core,
            a_new_transaction(amount_minor=8_000, installments=3),
            a_new_transaction(amount_minor=1_000, payment_method=PaymentMethod.DEBIT_CARD),
            a_new_transaction(amount_minor=700, currency=Currency.USD),
        )

        # 5 % of 8,000, split over three installments; 3 % of 1,000.
        assert balances(core) == (8_000 - 400, 0, 970)
        assert balances(core, currency="USD") == (665, 0, 0)
        assert {entry[:2] for entry in entries(core)} == {("capture", "2026-03-10")}
        assert rows_of(core, "SELECT count(*) FROM payables JOIN ledger_entries ON ledger_entries.id = entry_id") == [
            (5,)
        ]

    def test_posts_nothing_for_payables_that_are_there(self, core: Core) -> None:
        accept_and_drain(core, a_new_transaction(), a_new_transaction(amount_minor=900))
        before = entries(core), balances(core)

        for _ in range(3):
            core.create_payables([row[0] for row in rows_of(core, TRANSACTION_IDS)])

        assert (entries(core), balances(core)) == before

    def test_happens_on_the_day_of_the_transaction_and_not_of_the_drain(self, core: Core, clock: SettableClock) -> None:
        clock.instant = datetime(2026, 3, 11, 1, tzinfo=UTC)
        zone = ZoneInfo("America/Sao_Paulo")
        core.accept_transactions([a_submission(a_new_transaction())])
        clock.advance(days=2)

        replace(core.create_payables, zone=zone)([row[0] for row in rows_of(core, TRANSACTION_IDS)])

        # 22:00 of the day before, where the platform is.
        assert [entry[1] for entry in entries(core)] == ["2026-03-10"]

    def test_leaves_nothing_when_it_is_killed_and_all_when_it_is_repeated(self, core: Core) -> None:
        core.accept_transactions([a_submission(a_new_transaction(amount_minor=1_000))])
        ids = [row[0] for row in rows_of(core, TRANSACTION_IDS)]
        create = core.create_payables

        with pytest.raises(Killed):
            replace(create, store=DiesWhenItPosts(create.store, dies_at=1))(ids)

        assert (entries(core), balances(core), rows_of(core, "SELECT id FROM payables")) == ([], (0, 0, 0), [])
        create(ids)
        assert balances(core) == (950, 0, 0)

    def test_of_the_same_messages_in_many_drains_at_once_is_posted_once(self, core: Core) -> None:
        merchants = [f"merchant-{number}" for number in range(20)]
        core.accept_transactions(
            [
                a_submission(*(a_new_transaction(customer_id=name, amount_minor=100) for _ in range(5)))
                for name in merchants
            ]
        )
        ids = [row[0] for row in rows_of(core, TRANSACTION_IDS)]

        with ThreadPoolExecutor(4) as pool:
            outcomes = list(pool.map(core.create_payables, [ids, ids[::-1], ids[10:], ids[:50]] * 3))

        assert sum(outcome.created for outcome in outcomes) == 100
        assert {balances(core, name) for name in merchants} == {(475, 0, 0)}

    def test_changes_each_balance_once_however_many_payables_a_merchant_has(self, core: Core) -> None:
        core.accept_transactions(
            [a_submission(*(a_new_transaction(customer_id=f"merchant-{number % 3}") for number in range(30)))]
        )
        counting = CountsChanges(core.create_payables.store)

        replace(core.create_payables, store=counting)([row[0] for row in rows_of(core, TRANSACTION_IDS)])

        assert counting.changes == [(3, 3)]


class TestSettlement:
    def test_happens_on_a_rolled_due_date(self, core: Core, clock: SettableClock) -> None:
        clock.instant = datetime(2026, 3, 4, 11, tzinfo=UTC)
        core.change_fee_plan("merchant-1", terms=ChangedTerms(calendar=BankCalendar.BRAZIL), may_be_new=True)
        # 30 days later is Friday 3 April, Good Friday: the next open day is Monday.
        clock.advance(minutes=1)
        accept_and_drain(core, a_new_transaction(amount_minor=8_000))
        clock.advance(days=33)
        assert core.settle_payables(due_on=date(2026, 4, 3)).count == 0

        core.settle_payables(due_on=date(2026, 4, 6))

        assert balances(core) == (0, 0, 7_600)
        assert entries(core)[1:] == [("settle", "2026-04-06", "2026-04-06"), ("close", "2026-04-06", "2026-04-06")]

    def test_moves_what_was_pending_to_available(self, core: Core, clock: SettableClock) -> None:
        accept_and_drain(core, a_new_transaction(amount_minor=8_000))
        clock.advance(days=31)

        core.settle_payables(due_on=DUE_ON)

        assert balances(core) == (0, 0, 7_600)
        assert entries(core)[1:] == [("settle", "2026-04-10", "2026-04-09"), ("close", "2026-04-10", "2026-04-09")]
        assert postings(core, "close") == [
            ("merchant_settling", "debit", 7_600),
            ("merchant_available", "credit", 7_600),
        ]
        assert rows_of(
            core, "SELECT to_available_minor FROM settlements JOIN ledger_entries AS e ON e.id = entry_id"
        ) == [(7_600,)]

    def test_keeps_what_a_killed_run_paid_in_settling_until_the_date_is_closed(
        self, core: Core, clock: SettableClock
    ) -> None:
        accept_and_drain(core, *(a_new_transaction(amount_minor=1_000) for _ in range(10)))
        clock.advance(days=31)
        settle = core.settle_payables
        # Chunks of four, four and two; the fourth posting is the closing.
        dying = replace(settle, store=DiesWhenItPosts(settle.store, dies_at=4), chunk_payables=4)

        with pytest.raises(Killed):
            dying(due_on=DUE_ON)

        assert balances(core) == (0, 9_500, 0)
        assert core.find_unsettled_dates() == [DUE_ON]
        settle(due_on=DUE_ON)
        assert balances(core) == (0, 0, 9_500)
        assert core.find_unsettled_dates() == []

    @pytest.mark.parametrize("dies_at", [1, 2, 3])
    def test_goes_on_after_it_was_killed_in_a_chunk(self, core: Core, clock: SettableClock, dies_at: int) -> None:
        accept_and_drain(core, *(a_new_transaction(amount_minor=1_000) for _ in range(10)))
        clock.advance(days=31)
        settle = replace(core.settle_payables, chunk_payables=4)

        with pytest.raises(Killed):
            replace(settle, store=DiesWhenItPosts(settle.store, dies_at=dies_at))(due_on=DUE_ON)

        paid = min((dies_at - 1) * 4, 10) * 950
        assert balances(core) == (9_500 - paid, paid, 0)
        settle(due_on=DUE_ON)
        assert balances(core) == (0, 0, 9_500)

    def test_closes_many_merchants_in_several_commits(self, core: Core, clock: SettableClock) -> None:
        merchants = [f"merchant-{number}" for number in range(7)]
        accept_and_drain(core, *(a_new_transaction(customer_id=name, amount_minor=1_000) for name in merchants))
        clock.advance(days=31)

        replace(core.settle_payables, chunk_payables=3)(due_on=DUE_ON)

        assert {balances(core, name) for name in merchants} == {(0, 0, 950)}
        assert [kind for kind, _, _ in entries(core)].count("close") == 3

    def test_and_drains_at_once_lose_nothing(self, core: Core, clock: SettableClock) -> None:
        merchants = [f"merchant-{number}" for number in range(10)]
        accept_and_drain(core, *(a_new_transaction(customer_id=name, amount_minor=1_000) for name in merchants * 4))
        clock.advance(days=31)
        core.accept_transactions(
            [a_submission(a_new_transaction(customer_id=name, amount_minor=2_000)) for name in merchants[::-1] * 4]
        )
        fresh = [row[0] for row in rows_of(core, "SELECT id FROM transactions WHERE amount_minor = 2000 ORDER BY id")]
        settle = replace(core.settle_payables, chunk_payables=5)

        with ThreadPoolExecutor(4) as pool:
            work: list[Future[Any]] = [pool.submit(settle, due_on=DUE_ON)]
            work += [pool.submit(core.create_payables, fresh[start::4]) for start in range(4)]
            work += [pool.submit(core.create_payables, fresh[start::2]) for start in range(2)]
            for each in work:
                each.result()

        assert {balances(core, name) for name in merchants} == {(4 * 1_900, 0, 4 * 950)}

    def test_puts_what_came_late_into_the_next_closing(self, core: Core, clock: SettableClock) -> None:
        accept_and_drain(core, a_new_transaction(amount_minor=1_000))
        clock.advance(days=31)
        core.settle_payables(due_on=DUE_ON)
        clock.instant = NOON
        accept_and_drain(core, a_new_transaction(amount_minor=2_000))
        clock.advance(days=31)

        core.settle_payables(due_on=DUE_ON)

        assert balances(core) == (0, 0, 950 + 1_900)
        assert rows_of(core, "SELECT to_available_minor FROM settlements ORDER BY sequence") == [(950,), (1_900,)]


class TestTheDatabase:
    def test_refuses_an_available_balance_below_zero(self, core: Core) -> None:
        accept_and_drain(core, a_new_transaction(payment_method=PaymentMethod.DEBIT_CARD))

        with pytest.raises(Exception, match="ledger_balances_negative_check"):
            execute(core.settings, "UPDATE ledger_balances SET available_minor = -1")

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE ledger_entries SET source = 'mine'",
            "DELETE FROM ledger_entries",
            "UPDATE ledger_postings SET amount_minor = amount_minor + 1",
            "DELETE FROM ledger_postings",
            "DELETE FROM ledger_balances",
            "UPDATE ledger_balances SET customer_id = 'thief'",
        ],
    )
    def test_refuses_to_change_what_was_posted_even_for_the_owner(
        self, core: Core, settings: Settings, statement: str
    ) -> None:
        accept_and_drain(core, a_new_transaction())
        engine = create_engine(settings.database_url.get_secret_value())

        with pytest.raises(Exception, match="is immutable"), engine.begin() as connection:
            connection.exec_driver_sql(statement)
        engine.dispose()

    def test_shows_a_merchant_its_own_balance_alone(self, core: Core) -> None:
        accept_and_drain(core, a_new_transaction(), a_new_transaction(customer_id="merchant-2"))

        with core.read_merchant.store.read_as("merchant-2") as work:
            found = work.connection.exec_driver_sql("SELECT customer_id FROM ledger_balances")  # type: ignore[attr-defined]

            assert found.scalars().all() == ["merchant-2"]
