"""What nothing was there for is debt, and whatever becomes available next repays it."""

from __future__ import annotations

from datetime import date

import pytest

from psp_core.bootstrap import Core
from psp_core.domain.intake.transactions import PaymentMethod
from tests.builders import SettableClock, a_new_transaction
from tests.usecases.ledger.books_of import accept_and_drain, execute, postings, rows_of
from tests.usecases.refunds.sales import all_balances, pay_out, poured, refund, sell

DUE_ON = date(2026, 4, 9)  # 30 days after NOON


class TestDebt:
    def _owe(self, core: Core, clock: SettableClock) -> None:
        """Leave the merchant owing 950, and nothing available: what was available was paid out."""
        sale = sell(core, amount_minor=1_000)
        clock.advance(days=30)
        core.settle_payables(due_on=DUE_ON)
        pay_out(core, 950)
        refund(core, sale)
        clock.advance(days=1)
        core.settle_payables(due_on=date(2026, 4, 10))
        assert all_balances(core) == (0, 0, 0, 0, 950)
        assert poured(core)[-1] == (-950, 0, 0, 0, 0, 950)

    def test_is_what_nothing_was_there_for_and_the_next_settlement_recovers_it(
        self, core: Core, clock: SettableClock
    ) -> None:
        self._owe(core, clock)

        sell(core, amount_minor=2_000)
        clock.advance(days=30)
        core.settle_payables(due_on=date(2026, 5, 10))

        assert poured(core)[-1] == (1_900, 950, 950, 0, 0, 0)
        assert all_balances(core) == (0, 0, 950, 0, 0)

    def test_is_repaid_by_a_debit_sale_in_the_commit_that_books_it(self, core: Core, clock: SettableClock) -> None:
        self._owe(core, clock)

        for amount_minor in (500, 1_000):
            accept_and_drain(
                core, a_new_transaction(amount_minor=amount_minor, payment_method=PaymentMethod.DEBIT_CARD)
            )

        # 485 and 970 came; 950 were owed.
        assert all_balances(core) == (0, 0, 505, 0, 0)
        assert postings(core, "recovery") == [
            ("merchant_available", "debit", 950),
            ("merchant_receivable", "credit", 950),
        ]
        assert rows_of(core, "SELECT effective_on::text FROM ledger_entries WHERE kind = 'recovery' ORDER BY id") == [
            ("2026-04-10",),
            ("2026-04-10",),
        ]

    def test_shrinks_first_when_the_refund_fails(self, core: Core, clock: SettableClock) -> None:
        self._owe(core, clock)
        [(refund_id,)] = rows_of(core, "SELECT id FROM refunds")

        core.fail_refund(refund_id, reason="the card is closed")
        clock.advance(days=1)
        core.settle_payables(due_on=date(2026, 4, 11))

        assert poured(core)[-1] == (950, 950, 0, 0, 0, 0)
        assert all_balances(core) == (0, 0, 0, 0, 0)

    def test_is_never_beside_something_available(self, core: Core, clock: SettableClock) -> None:
        self._owe(core, clock)

        with pytest.raises(Exception, match="ledger_balances_debt_check"):
            execute(core.settings, "UPDATE ledger_balances SET available_minor = 1")
        with pytest.raises(Exception, match="ledger_balances_negative_check"):
            execute(core.settings, "UPDATE ledger_balances SET debt_minor = -1")
