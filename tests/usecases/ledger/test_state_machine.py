"""Sales, drains, settlements, seals, corrections and kills in any order, on the real Postgres: books after each step.

`PSP_TEST_MACHINE_STEPS` is how many steps there are in all; hypothesis prints how to repeat what fails.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum, auto
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import create_engine

from psp_core.adapters.postgres.schema.tables import metadata
from psp_core.bootstrap import Core
from psp_core.domain.intake.transactions import PaymentMethod
from psp_core.domain.kernel.errors import StorageUnavailable
from psp_core.domain.kernel.money import Currency
from psp_core.domain.pricing.fee_plans import ChangedTerms
from psp_core.ports.store import UnitOfWork
from tests.builders import NOON, SettableClock, a_new_transaction, a_submission
from tests.killed import Killed
from tests.usecases.ledger.books_of import rows_of
from tests.wrapped import WrappedStore

STEPS = int(os.environ.get("PSP_TEST_MACHINE_STEPS", "800"))
STEPS_OF_A_RUN = 40
MERCHANTS = ("merchant-1", "merchant-2", "merchant-3")
CURRENCIES = (Currency.BRL, Currency.JPY, Currency.BHD)

merchants = st.sampled_from(MERCHANTS)


class Death(Enum):
    """How a program ends in one of its commits."""

    BEFORE_THE_COMMIT = auto()
    WITHOUT_CONNECTION = auto()
    AFTER_THE_COMMIT = auto()


deaths = st.sampled_from(Death)


@dataclass
class DyingStore(WrappedStore):
    """The real store, whose user dies in its `lives`-th commit from now on."""

    death: Death
    lives: int

    def begin(self) -> AbstractContextManager[UnitOfWork]:
        return self._begin()

    @contextmanager
    def _begin(self) -> Iterator[UnitOfWork]:
        self.lives -= 1
        with self.store.begin() as work:
            yield work
            if self.lives == 0 and self.death is Death.BEFORE_THE_COMMIT:
                raise Killed
            if self.lives == 0 and self.death is Death.WITHOUT_CONNECTION:
                connection = work.connection  # type: ignore[attr-defined]
                connection.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")
        if self.lives == 0:
            raise Killed


class MoneyMachine(RuleBasedStateMachine):
    """What may happen, and what is true after each of it."""

    core: Core
    clock: SettableClock

    def __init__(self) -> None:
        super().__init__()
        self.sold: dict[UUID, tuple[Currency, int]] = {}
        self.drained: set[UUID] = set()
        self.corrected: set[UUID] = set()

    @initialize()
    def begin_with_nothing(self) -> None:
        self.clock.instant = NOON
        engine = create_engine(self.core.settings.database_url.get_secret_value())
        with engine.begin() as connection:
            connection.exec_driver_sql(f"TRUNCATE {', '.join(table.name for table in metadata.sorted_tables)} CASCADE")
        engine.dispose()

    @rule(
        merchant=merchants,
        amount=st.integers(3, 100_000),
        currency=st.sampled_from(CURRENCIES),
        method=st.sampled_from(PaymentMethod),
        installments=st.integers(1, 3),
    )
    def sell(self, merchant: str, amount: int, currency: Currency, method: PaymentMethod, installments: int) -> None:
        sale = a_new_transaction(
            customer_id=merchant,
            amount_minor=amount,
            currency=currency,
            payment_method=method,
            installments=installments if method is PaymentMethod.CREDIT_CARD else 1,
        )
        self.core.accept_transactions([a_submission(sale)])
        for id, currency_name, minor in rows_of(self.core, "SELECT id, currency, amount_minor FROM transactions"):
            self.sold[id] = (Currency(currency_name), minor)

    @rule(merchant=merchants, bps=st.integers(0, 10_000), delay=st.integers(0, 3))
    def change_the_plan(self, merchant: str, bps: int, delay: int) -> None:
        # Nobody changes it twice in one instant.
        self.clock.advance(minutes=1)
        terms = ChangedTerms(credit_fee_bps=bps, debit_fee_bps=bps // 2, credit_delay_days=delay)
        self.core.change_fee_plan(merchant, terms=terms, may_be_new=True)

    @precondition(lambda self: self.sold)
    @rule(data=st.data())
    def drain(self, data: st.DataObject) -> None:
        """Some of what was sold, be it drained already or not."""
        ids = data.draw(st.lists(st.sampled_from(sorted(self.sold)), unique=True))
        self.core.create_payables(ids)
        self.drained.update(ids)

    @precondition(lambda self: self.sold)
    @rule(death=deaths)
    def die_in_a_drain(self, death: Death) -> None:
        store = DyingStore(self.core.create_payables.store, death, lives=1)
        with suppress(Killed, StorageUnavailable):
            replace(self.core.create_payables, store=store)(list(self.sold))
        if death is Death.AFTER_THE_COMMIT:
            self.drained.update(self.sold)

    @rule()
    def settle(self) -> None:
        for due_on in self.core.find_unsettled_dates.worth_a_run()[:2]:
            self.core.settle_payables(due_on=due_on)

    @rule(death=deaths, lives=st.integers(2, 6), chunk=st.integers(1, 2))
    def die_in_a_settlement(self, death: Death, lives: int, chunk: int) -> None:
        settle = replace(self.core.settle_payables, chunk_payables=chunk)
        store = DyingStore(settle.store, death, lives)
        for due_on in self.core.find_unsettled_dates.worth_a_run()[:1]:
            with suppress(Killed, StorageUnavailable):
                replace(settle, store=store)(due_on=due_on)

    @rule(hours=st.integers(1, 60))
    def wait(self, hours: int) -> None:
        self.clock.advance(minutes=60 * hours)

    @precondition(lambda self: self.drained)
    @rule()
    def seal_what_is_over(self) -> None:
        [(first,)] = rows_of(self.core, "SELECT min(effective_on) FROM ledger_entries")
        yesterday = self.clock.now().date() - timedelta(days=1)
        if first is not None and first <= yesterday:
            self.core.seal_days(yesterday)
            assert self.core.verify_ledger().discrepancies == []

    @precondition(lambda self: self.drained)
    @rule(data=st.data())
    def correct_an_entry(self, data: st.DataObject) -> None:
        """To what it was: nothing moves in the end."""
        entries = rows_of(self.core, "SELECT id FROM ledger_entries WHERE kind = 'capture' ORDER BY id")
        if open_ones := [id for (id,) in entries if id not in self.corrected]:
            id = data.draw(st.sampled_from(open_ones))
            right = self.core.read_ledger.entry(id).entry.postings
            self.core.reverse_entry(id, reason="a test", instead=right)
            self.corrected.add(id)

    @invariant()
    def the_books_balance(self) -> None:
        assert self.core.check_books() == []

    @invariant()
    def what_merchants_and_platform_have_is_what_was_sold(self) -> None:
        captured: Counter[str] = Counter()
        for id in self.drained:
            currency, minor = self.sold[id]
            captured[currency] += minor
        merchants_have = rows_of(
            self.core,
            "SELECT currency, sum(pending_minor + settling_minor + available_minor)::bigint FROM ledger_balances"
            " GROUP BY currency",
        )
        fees = rows_of(
            self.core,
            "SELECT currency, sum(CASE side WHEN 'credit' THEN amount_minor ELSE -amount_minor END)::bigint FROM"
            " ledger_postings JOIN ledger_entries ON id = entry_id WHERE account = 'fee_revenue' GROUP BY currency",
        )
        assert Counter(dict(merchants_have)) + Counter(dict(fees)) == captured

    def teardown(self) -> None:
        assert self.core.check_books.everything() == []


@pytest.mark.timeout(60 + STEPS * 5)
class TestMoneyInAnyOrder:
    def test_adds_up_after_each_step(self, core: Core, clock: SettableClock) -> None:
        machine = type("OfThisTest", (MoneyMachine,), {"core": core, "clock": clock})
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=max(1, STEPS // STEPS_OF_A_RUN),
                stateful_step_count=STEPS_OF_A_RUN,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
