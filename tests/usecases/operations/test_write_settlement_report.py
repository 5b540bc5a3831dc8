from __future__ import annotations

import csv
import hashlib
import json
import re
import shutil
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from threading import Event, Thread

import pyarrow.parquet as pq
import pytest
from sqlalchemy import create_engine

from psp_core.adapters.reports.drafts import ReportDrafts
from psp_core.adapters.reports.shelves import Shelf, shelf_at
from psp_core.bootstrap import Core
from psp_core.domain.intake.transactions import PaymentMethod
from psp_core.domain.kernel.errors import BooksDoNotBalance, SettlementInProgress
from psp_core.domain.kernel.money import Currency
from psp_core.usecases.settlement.write_settlement_report import WriteSettlementReport, WrittenReport
from tests.builders import SettableClock, a_new_transaction, a_submission

DUE_ON = date(2026, 4, 9)  # 30 days after NOON


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "reports" / "settlement" / str(DUE_ON)


def edition(folder: Path) -> Path:
    """Return where the files are that the date's manifest names."""
    manifest = json.loads((folder / "manifest.json").read_text())
    return folder / str(manifest["folder"])


def sell(core: Core, by: PaymentMethod, **merchants: list[int]) -> None:
    for customer_id, amounts in merchants.items():
        rows = [
            a_new_transaction(customer_id=customer_id, amount_minor=amount, payment_method=by) for amount in amounts
        ]
        core.accept_transactions([a_submission(*rows)])
    core.keep_relaying().run_until_empty()
    core.drain_queue()


def settle(core: Core, clock: SettableClock, **merchants: list[int]) -> None:
    sell(core, PaymentMethod.CREDIT_CARD, **merchants)
    clock.advance(days=30)
    core.settle_payables(due_on=DUE_ON)


def settle_reference(core: Core, clock: SettableClock, *, customer_id: str, reference: str) -> None:
    core.accept_transactions([a_submission(a_new_transaction(customer_id=customer_id, reference=reference))])
    core.keep_relaying().run_until_empty()
    core.drain_queue()
    clock.advance(days=30)
    core.settle_payables(due_on=DUE_ON)


def lines_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def balance(lines: list[dict[str, str]]) -> Decimal:
    return sum(
        (Decimal(line["Net Credit (NC)"] or 0) - Decimal(line["Net Debit (NC)"] or 0) for line in lines), Decimal(0)
    )


class TestWriteSettlementReport:
    def test_has_a_line_for_each_payable_and_a_payout_that_balances(
        self, core: Core, clock: SettableClock, folder: Path
    ) -> None:
        settle(core, clock, merchant_1=[2_500, 999], merchant_2=[10])

        report = core.write_settlement_report(due_on=DUE_ON)

        assert (report.lines, report.merchants) == (3, 2)
        assert report.totals[Currency.BRL].net_minor == 2_375 + 950 + 10
        of_merchant = lines_of(edition(folder) / "merchants" / "merchant_1.csv")
        assert [line["Type"] for line in of_merchant] == ["Settled", "Settled", "MerchantPayout"]
        assert of_merchant[-1]["Net Debit (NC)"] == "33.25"
        assert sorted(line["Gross Credit (GC)"] for line in of_merchant[:2]) == ["25.00", "9.99"]
        assert balance(of_merchant) == 0
        everything = lines_of(edition(folder) / "all.csv")
        assert len(everything) == 5
        assert balance(everything) == 0

    def test_has_a_line_for_what_was_already_available_which_balances_debit(
        self, core: Core, clock: SettableClock, folder: Path
    ) -> None:
        settle(core, clock, bakery=[10_000])
        sell(core, PaymentMethod.DEBIT_CARD, bakery=[2_500, 999], butcher=[700])
        clock.advance(days=1)
        core.settle_payables(due_on=DUE_ON)

        report = core.write_settlement_report(due_on=DUE_ON)

        assert (report.lines, report.merchants) == (4, 2)
        assert report.totals[Currency.BRL].net_minor == 9_500
        assert report.available[Currency.BRL].net_minor == 2_425 + 970 + 679
        lines = lines_of(edition(folder) / "merchants" / "bakery.csv")
        assert [(line["Type"], line["Payment Method"], line["Batch Number"]) for line in lines] == [
            ("Settled", "credit_card", "1"),
            ("MerchantPayout", "", "1"),
            ("Settled", "debit_card", "2"),
            ("Settled", "debit_card", "2"),
            ("AlreadyAvailable", "", "2"),
        ]
        assert lines[-1]["Net Debit (NC)"] == "33.95"
        for path in edition(folder).rglob("*.csv"):
            assert balance(lines_of(path)) == 0
        manifest = json.loads((folder / "manifest.json").read_text())
        assert manifest["control_totals"]["BRL"]["net_minor"] == 9_500
        assert manifest["already_available"]["BRL"]["count"] == 3

    def test_balances_both_kinds_in_one_batch(self, core: Core, clock: SettableClock, folder: Path) -> None:
        sell(core, PaymentMethod.CREDIT_CARD, bakery=[10_000])
        clock.advance(days=30)
        sell(core, PaymentMethod.DEBIT_CARD, bakery=[2_500])
        clock.advance(days=1)
        core.settle_payables(due_on=DUE_ON)

        core.write_settlement_report(due_on=DUE_ON)

        lines = lines_of(edition(folder) / "all.csv")
        assert [line["Type"] for line in lines] == ["Settled", "Settled", "AlreadyAvailable", "MerchantPayout"]
        assert [line["Net Debit (NC)"] for line in lines[2:]] == ["24.25", "95.00"]
        assert balance(lines) == 0

    def test_says_the_same_in_parquet(self, core: Core, clock: SettableClock, folder: Path) -> None:
        settle(core, clock, merchant_1=[2_500, 999])

        core.write_settlement_report(due_on=DUE_ON)

        table = pq.read_table(edition(folder) / "all.parquet").to_pylist()
        assert [row["Type"] for row in table] == ["Settled", "Settled", "MerchantPayout"]
        assert table[-1]["Net Debit (NC)"] == Decimal("33.25")
        assert table[0]["Due Date"] == DUE_ON

    def test_names_every_file_with_its_checksum(self, core: Core, clock: SettableClock, folder: Path) -> None:
        settle(core, clock, merchant_1=[2_500])

        core.write_settlement_report(due_on=DUE_ON)

        manifest = json.loads((folder / "manifest.json").read_text())
        assert manifest["control_totals"]["BRL"] == {
            "count": 1,
            "gross_minor": 2_500,
            "fee_minor": 125,
            "net_minor": 2_375,
        }
        assert {file["name"]: file["sha256"] for file in manifest["files"]} == {
            str(path.relative_to(edition(folder))): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in edition(folder).rglob("*.*")
            if path.name != "manifest.json"
        }

    def test_is_empty_for_a_date_without_settlements(self, core: Core, folder: Path) -> None:
        report = core.write_settlement_report(due_on=DUE_ON)

        assert (report.lines, report.totals) == (0, {})
        assert lines_of(edition(folder) / "all.csv") == []

    def test_replaces_the_report_of_an_earlier_run(self, core: Core, clock: SettableClock, folder: Path) -> None:
        settle(core, clock, merchant_1=[2_500])
        core.write_settlement_report(due_on=DUE_ON)
        clock.advance(days=-30)
        settle(core, clock, merchant_1=[300])

        core.write_settlement_report(due_on=DUE_ON)

        lines = lines_of(edition(folder) / "merchants" / "merchant_1.csv")
        assert [(line["Type"], line["Batch Number"]) for line in lines] == [
            ("Settled", "1"),
            ("MerchantPayout", "1"),
            ("Settled", "2"),
            ("MerchantPayout", "2"),
        ]
        assert balance(lines) == 0

    def test_is_not_published_when_it_does_not_balance(
        self, core: Core, clock: SettableClock, folder: Path, database_url: str
    ) -> None:
        settle(core, clock, merchant_1=[2_500])
        engine = create_engine(database_url)
        with engine.begin() as connection:
            connection.exec_driver_sql("UPDATE payables SET amount_minor = 2501, receivable_minor = 2376")

        with pytest.raises(BooksDoNotBalance, match="report_balances"):
            core.write_settlement_report(due_on=DUE_ON)

        assert not folder.exists()
        with engine.begin() as connection:
            connection.exec_driver_sql("UPDATE payables SET amount_minor = 2500, receivable_minor = 2375")
        engine.dispose()

    def test_lets_no_reference_become_a_formula(self, core: Core, clock: SettableClock, folder: Path) -> None:
        settle_reference(core, clock, customer_id="merchant_1", reference="=HYPERLINK(0)\n;=1")

        core.write_settlement_report(due_on=DUE_ON)

        path = edition(folder) / "merchants" / "merchant_1.csv"
        [settled, _] = lines_of(path)
        assert settled["Merchant Reference"] == "'=HYPERLINK(0)\n;'=1"
        # In quotes, so that neither the line's end nor the semicolon begins a cell; amounts are numbers.
        assert "\"'=HYPERLINK(0)\n;'=1\"" in path.read_text(encoding="utf-8-sig")
        assert ",25.00," in path.read_text(encoding="utf-8-sig")

    def test_keeps_each_merchant_in_a_file_of_its_own(self, core: Core, clock: SettableClock, folder: Path) -> None:
        names = [".", "..", "CON", "con", "nul.txt", "../../all", "a\\b", "trailing.", "Acme", "acme"]
        for name in names:
            settle_reference(core, clock, customer_id=name, reference=name)
            clock.advance(days=-30)

        core.write_settlement_report(due_on=DUE_ON)

        files = list((edition(folder) / "merchants").glob("*.csv"))
        assert sorted(lines_of(path)[0]["Merchant Account"] for path in files) == sorted(names)
        assert len({path.name.lower() for path in files}) == len(names)
        assert {path.name for path in edition(folder).iterdir()} == {
            "all.csv",
            "all.parquet",
            "manifest.json",
            "merchants",
        }


class Stopped(Thread):
    """A run that writes the report, stopped before it puts the first file of a kind in its place."""

    def __init__(self, core: Core, *, before: str) -> None:
        super().__init__()
        self.before = before
        self.reached, self.go_on = Event(), Event()
        shelf = StoppingShelf(shelf_at(core.settings.reports_url), self)
        drafts = ReportDrafts(shelf, core.settings.zone)
        self.write = WriteSettlementReport(core.store, drafts, core.clock)
        self.report: WrittenReport | None = None

    def run(self) -> None:
        self.report = self.write(due_on=DUE_ON)

    def resume(self) -> WrittenReport:
        self.go_on.set()
        self.join(30)
        assert self.report is not None
        return self.report


@dataclass
class StoppingShelf:
    """A shelf that makes its writer wait, once, as SIGSTOP does."""

    shelf: Shelf
    writer: Stopped

    def put(self, source: Path, *, name: str) -> str:
        self._wait(name)
        return self.shelf.put(source, name=name)

    def read(self, name: str) -> bytes | None:
        return self.shelf.read(name)

    def find(self, name: str) -> str | None:
        return self.shelf.find(name)

    def copy(self, name: str, *, to: str) -> None:
        self._wait(to)
        self.shelf.copy(name, to=to)

    def _wait(self, name: str) -> None:
        if re.search(self.writer.before, name) and not self.writer.reached.is_set():
            self.writer.reached.set()
            assert self.writer.go_on.wait(30)


class TestAReportThatIsPublished:
    @pytest.mark.parametrize("before", ["all.csv", "-[0-9a-f]{8}/manifest", "settlement/[-0-9]{10}/manifest"])
    def test_is_never_overwritten_by_an_older_one(
        self, before: str, core: Core, clock: SettableClock, folder: Path
    ) -> None:
        settle(core, clock, merchant_1=[2_500])
        older = Stopped(core, before=before)
        older.start()
        assert older.reached.wait(30)
        clock.advance(days=-30)
        settle(core, clock, merchant_1=[300])
        newer = core.write_settlement_report(due_on=DUE_ON)

        shown = older.resume()

        assert shown.manifest == newer.manifest
        assert len(lines_of(edition(folder) / "all.csv")) == 4
        manifest = json.loads((folder / "manifest.json").read_text())
        for file in manifest["files"]:
            content = (edition(folder) / file["name"]).read_bytes()
            assert hashlib.sha256(content).hexdigest() == file["sha256"]

    def test_is_not_written_again_when_it_is_unchanged(self, core: Core, clock: SettableClock, folder: Path) -> None:
        settle(core, clock, merchant_1=[2_500])
        first = core.write_settlement_report(due_on=DUE_ON)
        written = {path: path.stat().st_ino for path in folder.rglob("*.*")}

        again = core.write_settlement_report(due_on=DUE_ON)

        assert not first.unchanged
        assert again.unchanged
        assert again.manifest == first.manifest
        assert {path: path.stat().st_ino for path in folder.rglob("*.*")} == written

    def test_is_written_again_when_its_files_are_gone(self, core: Core, clock: SettableClock, folder: Path) -> None:
        settle(core, clock, merchant_1=[2_500])
        core.write_settlement_report(due_on=DUE_ON)
        shutil.rmtree(folder)

        core.write_settlement_report(due_on=DUE_ON)

        assert len(lines_of(edition(folder) / "all.csv")) == 2

    def test_is_published_by_who_holds_the_date_only(self, core: Core, clock: SettableClock, folder: Path) -> None:
        settle(core, clock, merchant_1=[2_500])

        with core.store.hold_due_date(DUE_ON), pytest.raises(SettlementInProgress):
            core.write_settlement_report(due_on=DUE_ON)

        assert not (folder / "manifest.json").exists()
        core.write_settlement_report(due_on=DUE_ON)
        assert len(lines_of(edition(folder) / "all.csv")) == 2
