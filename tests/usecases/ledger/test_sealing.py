"""A sealed day never changes again, and its hash stands on the day before's."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import pytest

from psp_core.bootstrap import Core
from psp_core.domain.intake.transactions import PaymentMethod
from psp_core.domain.kernel.errors import LedgerNotOpen, NotOverYet
from psp_core.domain.ledger.sealing import GENESIS, imbalances
from psp_core.ports.store import Store
from tests.builders import SettableClock, a_new_transaction, a_submission
from tests.usecases.ledger.books_of import accept_and_drain, entries, execute, rows_of
from tests.wrapped import WrappedStore

DAY = date(2026, 3, 10)


class Killed(Exception):
    pass


@dataclass
class DiesInCommit(WrappedStore):
    """The real store, whose commit number `dies_at` is rolled back at its end."""

    store: Store
    dies_at: int
    begun: int = 0

    def begin(self) -> Any:
        return self._begin()

    @contextmanager
    def _begin(self) -> Iterator[Any]:
        with self.store.begin() as work:
            yield work
            self.begun += 1
            if self.begun == self.dies_at:
                raise Killed


class TestSealDays:
    def test_refuses_a_day_that_is_not_over(self, core: Core) -> None:
        with pytest.raises(NotOverYet):
            core.seal_days(DAY)

    def test_refuses_a_day_before_the_first_entry(self, core: Core, clock: SettableClock) -> None:
        accept_and_drain(core, a_new_transaction())
        clock.advance(days=1)

        with pytest.raises(LedgerNotOpen):
            core.seal_days(DAY - timedelta(days=1))

    def test_waits_for_the_opening(self, core: Core, clock: SettableClock) -> None:
        accept_and_drain(core, a_new_transaction())
        execute(core.settings, "INSERT INTO ledger_state (opened_until) VALUES (gen_random_uuid())")
        clock.advance(days=1)

        with pytest.raises(LedgerNotOpen):
            core.seal_days(DAY)
        execute(core.settings, "UPDATE ledger_state SET opening_ended_at = now()")

    def test_seals_each_day_on_the_one_before_also_those_without_entries(
        self, core: Core, clock: SettableClock
    ) -> None:
        accept_and_drain(core, a_new_transaction(amount_minor=8_000))
        clock.advance(days=2)
        accept_and_drain(core, a_new_transaction(amount_minor=1_000, payment_method=PaymentMethod.DEBIT_CARD))
        clock.advance(days=1)

        last = core.seal_days(DAY + timedelta(days=2))

        with core.seal_days.store.begin() as work:
            days = work.ledger.sealed_days(since=None, limit=10)
        assert [(each.day.day, each.entries) for each in days] == [(10, 1), (11, 0), (12, 1)]
        assert [each.previous_hash for each in days] == [GENESIS, days[0].hash, days[1].hash]
        assert {total.account: total.balance_minor for total in last.totals} == {
            "acquirer_receivable": 9_000,
            "fee_revenue": 430,
            "merchant_available": 970,
            "merchant_pending": 7_600,
        }
        assert imbalances(last.totals) == {}
        assert core.verify_ledger().discrepancies == []
        assert core.verify_ledger().last_hash == last.hash

    def test_gives_a_late_drain_the_day_after(self, core: Core, clock: SettableClock) -> None:
        core.accept_transactions([a_submission(a_new_transaction())])
        clock.advance(days=1)
        core.seal_days(DAY)

        core.create_payables([row[0] for row in rows_of(core, "SELECT id FROM transactions")])

        assert [entry[1] for entry in entries(core)] == ["2026-03-11"]
        assert core.verify_ledger().discrepancies == []

    @pytest.mark.parametrize("dies_at", range(1, 9))
    def test_goes_on_where_it_was_killed(self, core: Core, clock: SettableClock, dies_at: int) -> None:
        accept_and_drain(core, a_new_transaction())
        clock.advance(days=3)
        seal = core.seal_days

        with pytest.raises(Killed):
            replace(seal, store=DiesInCommit(seal.store, dies_at=dies_at))(DAY + timedelta(days=2))

        seal(DAY + timedelta(days=2))
        assert core.verify_ledger().days == 3
        assert core.verify_ledger().discrepancies == []

    def test_and_drains_at_once_leave_sealed_what_was_sealed(self, core: Core, clock: SettableClock) -> None:
        core.accept_transactions([a_submission(*(a_new_transaction() for _ in range(60)))])
        ids = [row[0] for row in rows_of(core, "SELECT id FROM transactions ORDER BY id")]
        clock.advance(days=1)

        with ThreadPoolExecutor(4) as pool:
            drains = [pool.submit(core.create_payables, ids[start : start + 2]) for start in range(0, 60, 2)]
            seals = [pool.submit(core.seal_days, DAY) for _ in range(3)]
            hashes = {each.result().hash for each in seals}
            for each in drains:
                each.result()

        assert len(hashes) == 1
        assert core.verify_ledger().discrepancies == []


class TestVerifyLedger:
    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE ledger_entries SET recorded_at = recorded_at + interval '1 second'",
            "UPDATE ledger_entries SET source = 'mine'",
            "UPDATE ledger_postings SET customer_id = 'thief' WHERE customer_id IS NOT NULL",
            "UPDATE ledger_postings SET amount_minor = amount_minor + 1",
            "DELETE FROM ledger_entries",
            "UPDATE ledger_days SET hash = sha256('mine') WHERE day = '2026-03-11'",
            "UPDATE ledger_days SET totals = '[]' WHERE day = '2026-03-11'",
            "DELETE FROM ledger_days WHERE day = '2026-03-11'",
            "INSERT INTO ledger_entries SELECT gen_random_uuid(), kind, currency, effective_on, recorded_at, source,"
            " NULL FROM ledger_entries; INSERT INTO ledger_postings SELECT ledger_entries.id, account, customer_id,"
            " side, amount_minor FROM ledger_entries, ledger_postings WHERE id <> entry_id",
        ],
    )
    def test_finds_any_change(self, core: Core, clock: SettableClock, statement: str) -> None:
        accept_and_drain(core, a_new_transaction())
        clock.advance(days=3)
        core.seal_days(DAY + timedelta(days=2))
        tables = ("ledger_entries", "ledger_postings", "ledger_days")
        execute(core.settings, *(f"CREATE TABLE kept_{name} AS SELECT * FROM {name}" for name in tables))

        execute(core.settings, statement)

        assert core.verify_ledger().discrepancies != []
        for name in tables:
            execute(core.settings, f"DELETE FROM {name}", f"INSERT INTO {name} SELECT * FROM kept_{name}")
            execute(core.settings, f"DROP TABLE kept_{name}")

    def test_may_begin_anywhere(self, core: Core, clock: SettableClock) -> None:
        accept_and_drain(core, a_new_transaction())
        clock.advance(days=3)
        core.seal_days(DAY + timedelta(days=2))

        assert core.verify_ledger(since=DAY + timedelta(days=2)).days == 1
        assert core.verify_ledger(since=DAY + timedelta(days=2)).discrepancies == []
