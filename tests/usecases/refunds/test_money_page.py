"""The examples of docs/money.md for money that comes back which no other test has, to the cent."""

from __future__ import annotations

from datetime import date

from psp_core.bootstrap import Core
from tests.builders import SettableClock
from tests.usecases.ledger.books_of import postings
from tests.usecases.refunds.sales import all_balances, poured, refund, sell


class TestARefundThatFails:
    def test_posts_the_mirror(self, core: Core) -> None:
        core.fail_refund(refund(core, sell(core, amount_minor=8_000), 2_000), reason="a test")

        assert postings(core, "refund_reversal") == [
            ("acquirer_receivable", "debit", 2_000),
            ("fee_revenue", "credit", 100),
            ("merchant_pending", "credit", 1_900),
        ]
        assert all_balances(core) == (7_600, 0, 0, 0, 0)


class TestHowASettlementCloses:
    def test_is_the_pages_waterfall(self, core: Core, clock: SettableClock) -> None:
        sale = sell(core, amount_minor=8_000)
        clock.advance(days=30)
        core.settle_payables(due_on=date(2026, 4, 9))
        refund(core, sale, 2_000)
        clock.advance(days=1)
        core.settle_payables(due_on=date(2026, 4, 10))

        assert poured(core) == [(7_600, 0, 7_600, 0, 0, 0), (-1_900, 0, 0, 1_900, 0, 0)]
        assert all_balances(core) == (0, 0, 5_700, 0, 0)
