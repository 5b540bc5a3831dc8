"""The ledger's state machine with money that comes back: refunds that fail and die, payouts, debt and reserves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule, run_state_machine_as_test

from psp_core.bootstrap import Core
from psp_core.domain.kernel.errors import AlreadyRefunded, RefundExceedsCaptured, RefundOver, StorageUnavailable
from psp_core.domain.kernel.money import Currency
from psp_core.domain.ledger.accounts import Account
from psp_core.domain.ledger.entries import Entry, EntryKind, Sheet
from psp_core.domain.payables import Payable
from psp_core.domain.refunds import Refund
from psp_core.ports.store import UnitOfWork
from psp_core.usecases.refunds.create_refund import CreateRefund, NewRefund
from tests.builders import SettableClock
from tests.killed import Killed
from tests.usecases.ledger.books_of import rows_of
from tests.usecases.ledger.test_state_machine import STEPS, STEPS_OF_A_RUN, Death, DyingStore, MoneyMachine, deaths


@dataclass
class DyingWriter(DyingStore):
    """The same for who writes as a merchant."""

    def write_as(self, customer_id: str, *, within_s: float | None = None) -> AbstractContextManager[UnitOfWork]:
        return self._write_as(customer_id)

    @contextmanager
    def _write_as(self, customer_id: str) -> Iterator[UnitOfWork]:
        with self.store.write_as(customer_id) as work:
            yield work
            if self.death is Death.BEFORE_THE_COMMIT:
                raise Killed
            if self.death is Death.WITHOUT_CONNECTION:
                connection = work.connection  # type: ignore[attr-defined]
                connection.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")
        raise Killed


class RefundMachine(MoneyMachine):
    """What may happen besides."""

    def __init__(self) -> None:
        super().__init__()
        self.paid_out: Counter[str] = Counter()

    @precondition(lambda self: self.drained)
    @rule(data=st.data(), amount=st.one_of(st.none(), st.integers(1, 50_000)))
    def refund(self, data: st.DataObject, amount: int | None) -> None:
        self._refund(self.core.create_refund, data.draw(st.sampled_from(sorted(self.drained))), amount)

    @precondition(lambda self: self.drained)
    @rule(data=st.data(), death=deaths)
    def die_in_a_refund(self, data: st.DataObject, death: Death) -> None:
        create = self.core.create_refund
        dying = replace(create, store=DyingWriter(create.store, death, lives=1))
        with suppress(Killed, StorageUnavailable):
            self._refund(dying, data.draw(st.sampled_from(sorted(self.drained))), None)

    @rule(data=st.data())
    def fail_a_refund(self, data: st.DataObject) -> None:
        if refunds := [id for (id,) in rows_of(self.core, "SELECT id FROM refunds ORDER BY id")]:
            with suppress(RefundOver):
                self.core.fail_refund(data.draw(st.sampled_from(refunds)), reason="a test")

    @rule(death=deaths)
    def die_in_a_failure(self, death: Death) -> None:
        fail = self.core.fail_refund
        for (id,) in rows_of(self.core, "SELECT id FROM refunds WHERE status <> 'failed' ORDER BY id LIMIT 1"):
            with suppress(Killed, StorageUnavailable):
                replace(fail, store=DyingStore(fail.store, death, lives=1))(id, reason="a test")

    @rule()
    def pay_out(self) -> None:
        """All that is available: then what comes back is debt."""
        now = self.clock.now()
        statement = "SELECT customer_id, currency, available_minor FROM ledger_balances WHERE available_minor > 0"
        for customer_id, currency, minor in rows_of(self.core, statement):
            sheet = Sheet()
            sheet.debit(Account.MERCHANT_AVAILABLE, minor, customer_id=customer_id)
            sheet.credit(Account.SETTLEMENT_BANK, minor)
            entry = Entry(
                uuid4(), EntryKind.CORRECTION, Currency(currency), now.date(), now, str(uuid4()), sheet.postings
            )
            with self.core.reverse_entry.store.begin() as work:
                work.ledger.post([entry], today=now.date())
            self.paid_out[currency] += minor

    @precondition(lambda self: self.drained)
    @rule(bps=st.sampled_from((0, 500, 10_000)))
    def keep_back(self, bps: int) -> None:
        statement = "SELECT customer_id, currency FROM ledger_balances ORDER BY 1, 2 LIMIT 2"
        for customer_id, currency in rows_of(self.core, statement):
            changed = {"reserve_bps": bps, "reserve_days": 2 if bps else 0}
            self.core.set_merchant_terms(customer_id, Currency(currency), changed=changed)

    @rule()
    def release(self) -> None:
        self.core.release_reserve()

    @invariant()
    def what_merchants_and_platform_have_is_what_was_sold(self) -> None:
        captured: Counter[str] = Counter()
        for id in self.drained:
            currency, minor = self.sold[id]
            captured[currency] += minor
        given_back = (
            "SELECT currency, sum(amount_minor)::bigint FROM refunds WHERE status <> 'failed' GROUP BY currency"
        )
        have = (
            "SELECT currency,"
            " sum(pending_minor + settling_minor + available_minor + reserve_minor - debt_minor)::bigint"
            " FROM ledger_balances GROUP BY currency"
        )
        fees = (
            "SELECT currency, sum(CASE side WHEN 'credit' THEN amount_minor ELSE -amount_minor END)::bigint FROM"
            " ledger_postings JOIN ledger_entries ON id = entry_id WHERE account = 'fee_revenue' GROUP BY currency"
        )
        left = Counter(captured)
        left.subtract(dict(rows_of(self.core, given_back)))
        found: Counter[str] = Counter(self.paid_out)
        for part in (have, fees):
            found.update(dict(rows_of(self.core, part)))
        assert {name: minor for name, minor in found.items() if minor} == {
            name: minor for name, minor in left.items() if minor
        }

    def _refund(self, create: CreateRefund, transaction_id: UUID, amount_minor: int | None) -> None:
        customer_id = self._merchant_of(transaction_id)
        with suppress(AlreadyRefunded, RefundExceedsCaptured):
            create(NewRefund(customer_id, transaction_id, amount_minor), render=_nothing)

    def _merchant_of(self, transaction_id: UUID) -> str:
        [(customer_id,)] = rows_of(self.core, f"SELECT customer_id FROM transactions WHERE id = '{transaction_id}'")
        return str(customer_id)


def _nothing(_: Refund, __: Sequence[Payable]) -> bytes:
    return b""


@pytest.mark.timeout(60 + STEPS * 5)
class TestMoneyThatComesBackInAnyOrder:
    def test_adds_up_after_each_step(self, core: Core, clock: SettableClock) -> None:
        machine = type("OfThisTest", (RefundMachine,), {"core": core, "clock": clock})
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=max(1, STEPS // STEPS_OF_A_RUN),
                stateful_step_count=STEPS_OF_A_RUN,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
