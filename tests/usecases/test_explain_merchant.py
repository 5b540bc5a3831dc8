from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event

from psp_core.bootstrap import Core
from psp_core.domain.intake.transactions import PaymentMethod
from psp_core.domain.kernel.errors import UnknownMerchant
from psp_core.domain.kernel.money import Currency
from psp_core.domain.settlement.explanation import WAITING_SHOWN_MAX, Explanation
from tests.builders import SettableClock, a_new_transaction, a_submission
from tests.reach import postgres


def sell(
    core: Core,
    *amounts: int,
    by: PaymentMethod = PaymentMethod.CREDIT_CARD,
    customer_id: str = "bakery",
    installments: int = 1,
    currency: Currency = Currency.BRL,
) -> None:
    rows = [
        a_new_transaction(
            customer_id=customer_id,
            amount_minor=amount,
            payment_method=by,
            installments=installments,
            currency=currency,
        )
        for amount in amounts
    ]
    core.accept_transactions([a_submission(*rows)])
    core.keep_relaying().run_until_empty()
    core.drain_queue()


def rows_of(explanation: Explanation) -> dict[str, list[tuple[str, ...]]]:
    return {table.title: [tuple(row) for row in table.rows] for table in explanation.tables()}


class TestExplainMerchant:
    def test_shows_settlements_by_type_of_line_and_what_waits(self, core: Core, clock: SettableClock) -> None:
        sell(core, 10_000, 2_000)
        sell(core, 99_999, customer_id="butcher")
        clock.advance(days=30)
        day = clock.now().date()
        core.settle_payables(due_on=day)
        sell(core, 2_500, by=PaymentMethod.DEBIT_CARD)
        sell(core, 1_200, installments=2)
        sell(core, 300, currency=Currency.USD)
        clock.advance(days=1)
        core.settle_payables(due_on=day)
        core.write_settlement_report(due_on=day)

        explanation = core.explain_merchant("bakery", on=day)

        shown = rows_of(explanation)
        assert shown["settlements"] == [
            ("1", "closed", "BRL", "Settled, credit_card", "2", "120.00", "6.00", "114.00"),
            ("1", "closed", "BRL", "MerchantPayout", "", "", "", "-114.00"),
            ("2", "closed", "BRL", "Settled, debit_card", "1", "25.00", "0.75", "24.25"),
            ("2", "closed", "BRL", "AlreadyAvailable", "", "", "", "-24.25"),
        ]
        assert shown["not in a settlement"] == []
        assert shown["waiting"] == [
            ("2026-05-09", "BRL", "1", "6.00", "0.30", "5.70"),
            ("2026-05-09", "USD", "1", "3.00", "0.15", "2.85"),
            ("2026-06-08", "BRL", "1", "6.00", "0.30", "5.70"),
            ("all 2 dates", "BRL", "2", "12.00", "0.60", "11.40"),
            ("all 2 dates", "USD", "1", "3.00", "0.15", "2.85"),
        ]
        assert explanation.summary == (
            "bakery on 2026-04-09: paid out BRL 114.00, already available BRL 24.25; "
            "still waiting, on all dates: BRL 11.40 and USD 2.85"
        )
        assert (explanation.report_url or "").endswith("/merchants/bakery.csv")

    def test_shows_what_of_the_date_is_in_no_settlement_yet(self, core: Core, clock: SettableClock) -> None:
        sell(core, 10_000)
        clock.advance(days=30)
        sell(core, 2_500, by=PaymentMethod.DEBIT_CARD)

        explanation = core.explain_merchant("bakery", on=clock.now().date())

        assert [(row[1], row[-1]) for row in rows_of(explanation)["not in a settlement"]] == [
            ("due on 2026-04-09 and not paid", "95.00"),
            ("paid at once; gathered when the day is over", "24.25"),
        ]
        assert explanation.report_url is None

    def test_lists_the_next_dates_and_adds_all_up(self, core: Core, clock: SettableClock) -> None:
        for _ in range(WAITING_SHOWN_MAX + 3):
            sell(core, 100)
            clock.advance(days=1)

        waiting = rows_of(core.explain_merchant("bakery", on=clock.now().date()))["waiting"]

        assert len(waiting) == WAITING_SHOWN_MAX + 1
        assert waiting[-1] == ("all 34 dates", "BRL", "34", "34.00", "1.70", "32.30")

    def test_reads_no_table_from_end_to_end(self, core: Core, clock: SettableClock) -> None:
        for number in range(20):
            sell(core, *range(100, 300), customer_id=f"merchant-{number}")
        clock.advance(days=30)
        day = clock.now().date()
        core.settle_payables(due_on=day, merchants=[f"merchant-{number}" for number in range(10)])
        with postgres(core.store).engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("ANALYZE")
        plans: list[str] = []

        def explain(_: Any, cursor: Any, statement: str, parameters: Any, *__: Any) -> None:
            if "payables" in statement and "EXPLAIN" not in statement:
                cursor.execute(f"EXPLAIN {statement}", parameters)
                plans.append("\n".join(row[0] for row in cursor))

        event.listen(postgres(core.explain_merchant.store).engine, "before_cursor_execute", explain)

        core.explain_merchant("merchant-7", on=day)

        assert len(plans) == 4
        assert not [plan for plan in plans if "Seq Scan" in plan]

    @pytest.mark.parametrize("name", ["nobody", "na\u00efve", ""])
    def test_refuses_a_merchant_that_does_not_exist(self, name: str, core: Core, clock: SettableClock) -> None:
        with pytest.raises(UnknownMerchant, match="there is nothing to explain"):
            core.explain_merchant(name, on=clock.now().date())
