"""The report of one settlement: part by part, and never one that does not add up."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import create_engine

from psp_core.bootstrap import Core
from psp_core.domain.kernel.errors import BooksDoNotBalance, NotFound, SettlementOpen
from psp_core.domain.kernel.paging import Page
from psp_core.domain.settlement.report import ReportFormat
from psp_core.domain.settlement.settlements import Settlement, SettlementFilter
from psp_core.usecases.desk.read_settlement_report import LINES_PER_PART, ReportParts
from tests.builders import SettableClock, a_new_transaction, a_submission
from tests.killed import settle_one_and_die

DUE_ON = date(2026, 4, 9)


def settled(core: Core, clock: SettableClock, *, payables: int) -> Settlement:
    """Return the settlement of so many payables of merchant `a`."""
    core.accept_transactions([a_submission(*[a_new_transaction(customer_id="a") for _ in range(payables)])])
    core.keep_relaying().run_until_empty()
    core.drain_queue()
    clock.advance(days=31)
    core.settle_payables(due_on=DUE_ON)
    [settlement] = core.read_merchant.settlements("a", where=SettlementFilter(), page=Page())
    return settlement


def begin(core: Core, settlement: Settlement, *, customer_id: str = "a") -> ReportParts:
    report = core.read_settlement_report
    return report.begin(core.read_merchant, customer_id=customer_id, id=settlement.id, format=ReportFormat.CSV)


class TestReadSettlementReport:
    @pytest.mark.parametrize(
        ("payables", "parts"),
        [
            (1, [1 + 1 + 1]),
            (LINES_PER_PART - 1, [1 + LINES_PER_PART]),
            (LINES_PER_PART, [1 + LINES_PER_PART, 1]),
            (LINES_PER_PART + 1, [1 + LINES_PER_PART, 2]),
        ],
    )
    def test_comes_in_parts_of_bounded_size(
        self, core: Core, clock: SettableClock, payables: int, parts: list[int]
    ) -> None:
        report = begin(core, settled(core, clock, payables=payables))
        lines = []

        while not report.is_whole:
            lines.append(report.next_part(core.read_merchant).count(b"\r\n"))

        assert lines == parts

    def test_is_nobody_elses(self, core: Core, clock: SettableClock) -> None:
        settlement = settled(core, clock, payables=1)

        with pytest.raises(NotFound):
            begin(core, settlement, customer_id="b")

    def test_is_not_there_while_the_settlement_is_open(self, core: Core, clock: SettableClock) -> None:
        settlement = settled(core, clock, payables=1)
        clock.advance(days=-31)
        core.accept_transactions([a_submission(a_new_transaction(customer_id="a"))])
        core.keep_relaying().run_until_empty()
        core.drain_queue()
        clock.advance(days=31)
        settle_one_and_die(core.settle_payables, DUE_ON)
        # Both were made at one instant, so their order says nothing.
        found = core.read_merchant.settlements("a", where=SettlementFilter(), page=Page())
        closed, opened = sorted(found, key=lambda each: each.sequence)

        assert closed == settlement
        with pytest.raises(SettlementOpen):
            begin(core, opened)
        assert begin(core, closed).next_part(core.read_merchant)

    def test_is_not_ended_when_it_does_not_add_up(self, core: Core, clock: SettableClock, database_url: str) -> None:
        report = begin(core, settled(core, clock, payables=2))
        change(database_url, amount_minor=2_501, receivable_minor=2_376)

        with pytest.raises(BooksDoNotBalance, match="report_balances"):
            report.next_part(core.read_merchant)

        assert not report.is_whole
        change(database_url, amount_minor=2_500, receivable_minor=2_375)


def change(database_url: str, *, amount_minor: int, receivable_minor: int) -> None:
    """Change every payable behind the platform's back."""
    engine = create_engine(database_url)
    with engine.begin() as connection:
        statement = "UPDATE payables SET amount_minor = %s, receivable_minor = %s"
        connection.exec_driver_sql(statement, (amount_minor, receivable_minor))
    engine.dispose()
