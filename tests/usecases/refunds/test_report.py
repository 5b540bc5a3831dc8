"""The report of settlements with money that comes back: each line has its type, and a batch adds up to zero."""

from __future__ import annotations

import csv
import io
from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest

from psp_core.bootstrap import Core
from psp_core.domain.intake.transactions import PaymentMethod
from psp_core.domain.settlement.report import ReportFormat
from tests.builders import SettableClock
from tests.usecases.ledger.books_of import rows_of
from tests.usecases.refunds.sales import pay_out, refund, sell


def report(core: Core, settlement_id: UUID) -> list[dict[str, str]]:
    """Return the report of a settlement, line by line."""
    read = core.read_settlement_report
    parts = read.begin(core.read_merchant, customer_id="merchant-1", id=settlement_id, format=ReportFormat.CSV)
    raw = b""
    while not parts.is_whole:
        raw += parts.next_part(core.read_merchant)
    return list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"))))


def signed(line: dict[str, str], kind: str, unit: str) -> Decimal:
    """Return credit less debit."""
    return Decimal(line[f"{kind} Credit ({unit})"] or 0) - Decimal(line[f"{kind} Debit ({unit})"] or 0)


def shown(lines: list[dict[str, str]]) -> list[tuple[str, str, str, str]]:
    return [
        (line["Type"], str(signed(line, "Gross", "GC")), line["Commission (NC)"], str(signed(line, "Net", "NC")))
        for line in lines
    ]


@pytest.fixture
def settlements(core: Core, clock: SettableClock) -> list[UUID]:
    """A sale of which some was refunded before it was settled; what was refunded after that; and what recovers debt."""
    sale = sell(core, amount_minor=8_000)
    refund(core, sale, 2_000)
    clock.advance(days=30)
    core.settle_payables(due_on=date(2026, 4, 9))
    pay_out(core, 5_000)
    failing = refund(core, sale, 1_000)
    refund(core, sale)
    sell(core, amount_minor=1_000, payment_method=PaymentMethod.DEBIT_CARD)
    clock.advance(days=1)
    core.settle_payables(due_on=date(2026, 4, 10))
    core.fail_refund(failing, reason="a test")
    clock.advance(days=1)
    for day in (9, 11):
        core.settle_payables(due_on=date(2026, 4, day))
    return [UUID(str(id)) for (id,) in rows_of(core, "SELECT id FROM settlements ORDER BY due_on, sequence")]


class TestTheReport:
    def test_names_what_each_line_is(self, core: Core, settlements: list[UUID]) -> None:
        assert [shown(report(core, id)) for id in settlements] == [
            [
                ("Settled", "80.00", "4.00", "76.00"),
                ("Refunded", "-20.00", "-1.00", "-19.00"),
                ("MerchantPayout", "0", "", "-57.00"),
            ],
            [("Settled", "10.00", "0.30", "9.70"), ("AlreadyAvailable", "0", "", "-9.70")],
            [
                ("Refunded", "-10.00", "-0.50", "-9.50"),
                ("Refunded", "-50.00", "-2.50", "-47.50"),
                ("FromAvailable", "0", "", "16.70"),
                ("Carried", "0", "", "40.30"),
            ],
            [("RefundedReversed", "10.00", "0.50", "9.50"), ("Recovered", "0", "", "-9.50")],
        ]

    def test_adds_up_to_zero(self, core: Core, settlements: list[UUID]) -> None:
        for id in settlements:
            assert sum(signed(line, "Net", "NC") for line in report(core, id)) == 0

    def test_is_in_the_dates_file_to_the_line(self, core: Core, settlements: list[UUID]) -> None:
        for day, of_day in ((9, settlements[:2]), (10, settlements[2:3]), (11, settlements[3:])):
            written = core.write_settlement_report(due_on=date(2026, 4, day))

            raw = core.write_settlement_report.reports.read(
                f"settlement/2026-04-{day:02}/{_edition(core, day)}/all.csv"
            )
            assert raw is not None
            lines = list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"))))
            assert lines == [line for id in of_day for line in report(core, id)]
            assert written.lines == sum(1 for line in lines if line["Psp Reference"])

    def test_is_explained_by_type(self, core: Core, settlements: list[UUID]) -> None:
        table = core.explain_merchant("merchant-1", on=date(2026, 4, 10)).tables()[0]

        assert [(row[3], row[-1]) for row in table.rows] == [
            ("Refunded, credit_card", "-57.00"),
            ("FromAvailable", "16.70"),
            ("Carried", "40.30"),
        ]


def _edition(core: Core, day: int) -> str:
    published = core.write_settlement_report.published(due_on=date(2026, 4, day))
    assert published is not None
    return published.edition
