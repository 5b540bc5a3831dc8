"""Entries are looked at, reversed and exported; another program than ours balances the books."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from psp_core.bootstrap import Core
from psp_core.domain.intake.transactions import PaymentMethod
from psp_core.domain.kernel.errors import EntryReversed, InsufficientFunds, NotFound
from psp_core.domain.kernel.money import Currency
from psp_core.domain.ledger.accounts import Account, Side
from psp_core.domain.ledger.balances import Balance
from psp_core.domain.ledger.entries import Posting
from tests.builders import SettableClock, a_new_transaction
from tests.usecases.ledger.books_of import accept_and_drain, balances, execute, rows_of

DUE_ON = date(2026, 4, 9)
BEAN_CHECK = Path(sys.executable).parent / "bean-check"


def entry_ids(core: Core, kind: str) -> list[UUID]:
    return [row[0] for row in rows_of(core, f"SELECT id FROM ledger_entries WHERE kind = '{kind}' ORDER BY id")]


def bean_check(core: Core, folder: Path) -> subprocess.CompletedProcess[str]:
    """Let Beancount, in a process of its own, balance what is exported."""
    file = folder / "ledger.beancount"
    with file.open("w", encoding="utf-8") as out:
        core.read_ledger.export(lambda line: out.write(f"{line}\n"))
    return subprocess.run([BEAN_CHECK, file], capture_output=True, text=True, check=False, timeout=120)


class TestReadLedger:
    def test_shows_an_entry_with_what_it_books(self, core: Core) -> None:
        accept_and_drain(core, a_new_transaction(amount_minor=8_000, installments=2))
        [id] = entry_ids(core, "capture")

        view = core.read_ledger.entry(id)

        assert (view.payables, view.reversed_by) == (2, None)
        assert sorted(view.entry.postings) == [
            Posting(Account.ACQUIRER_RECEIVABLE, None, Side.DEBIT, 8_000),
            Posting(Account.FEE_REVENUE, None, Side.CREDIT, 400),
            Posting(Account.MERCHANT_PENDING, "merchant-1", Side.CREDIT, 7_600),
        ]
        with pytest.raises(NotFound):
            core.read_ledger.entry(uuid4())

    def test_shows_a_balance_for_each_currency(self, core: Core) -> None:
        accept_and_drain(core, a_new_transaction(amount_minor=8_000), a_new_transaction(currency=Currency.USD))

        assert core.read_ledger.balances("merchant-1") == [
            Balance(Currency.BRL, pending_minor=7_600),
            Balance(Currency.USD, pending_minor=2_375),
        ]
        assert core.read_ledger.balances("nobody") == []


class TestReverseEntry:
    @pytest.fixture
    def wrong(self, core: Core) -> UUID:
        """A capture whose fee was posted 100 too high."""
        accept_and_drain(core, a_new_transaction(amount_minor=8_000))
        execute(
            core.settings,
            "UPDATE ledger_postings SET amount_minor = amount_minor + 100 WHERE account = 'fee_revenue'",
            "UPDATE ledger_postings SET amount_minor = amount_minor - 100 WHERE account = 'merchant_pending'",
            "UPDATE ledger_balances SET pending_minor = pending_minor - 100",
        )
        assert "ledger_capture_is_its_payables" in {found.rule for found in core.check_books()}
        return entry_ids(core, "capture")[0]

    def right(self) -> Sequence[Posting]:
        return [
            Posting(Account.ACQUIRER_RECEIVABLE, None, Side.DEBIT, 8_000),
            Posting(Account.FEE_REVENUE, None, Side.CREDIT, 400),
            Posting(Account.MERCHANT_PENDING, "merchant-1", Side.CREDIT, 7_600),
        ]

    def test_posts_the_mirror_and_what_is_right_in_one_commit(self, core: Core, wrong: UUID) -> None:
        mirror, correction = core.reverse_entry(wrong, reason="fee by mistake", instead=self.right())

        assert balances(core) == (7_600, 0, 0)
        assert core.check_books() == []
        assert core.read_ledger.entry(wrong).reversed_by == mirror.id
        assert (mirror.reverses_id, correction.source) == (wrong, str(mirror.id))

    def test_alone_leaves_books_that_say_so(self, core: Core, wrong: UUID) -> None:
        [mirror] = core.reverse_entry(wrong, reason="fee by mistake")

        assert "ledger_capture_is_its_payables" in {found.rule for found in core.check_books()}
        assert balances(core) == (0, 0, 0)
        assert mirror.reverses_id == wrong
        _forget_all(core)

    def test_happens_once(self, core: Core, wrong: UUID) -> None:
        def reverse(_: int) -> bool:
            try:
                core.reverse_entry(wrong, reason="fee by mistake", instead=self.right())
            except EntryReversed:
                return False
            return True

        with ThreadPoolExecutor(4) as pool:
            assert sorted(pool.map(reverse, range(4))) == [False, False, False, True]
        assert balances(core) == (7_600, 0, 0)

    def test_refuses_what_would_leave_less_than_nothing(self, core: Core, clock: SettableClock) -> None:
        accept_and_drain(core, a_new_transaction(payment_method=PaymentMethod.DEBIT_CARD))
        [id] = entry_ids(core, "capture")
        thief = [
            Posting(Account.SUSPENSE, None, Side.CREDIT, 1),
            Posting(Account.MERCHANT_AVAILABLE, "merchant-1", Side.DEBIT, 1),
        ]

        with pytest.raises(InsufficientFunds):
            core.reverse_entry(id, reason="a mistake", instead=thief)
        assert balances(core) == (0, 0, 2_425)


def _forget_all(core: Core) -> None:
    """Books that are wrong on purpose are not what the next test's end should see."""
    tables = ("ledger_postings", "ledger_balances", "ledger_entries", "payables")
    execute(core.settings, *(f"DELETE FROM {table}" for table in tables))


class TestExport:
    def test_is_balanced_by_beancount(self, core: Core, clock: SettableClock, tmp_path: Path) -> None:
        names = ["merchant-1", "MERCHANT-1", "loja:São".replace("ã", "~"), "X", "x", "a/b c".replace(" ", "_")]
        for name in names:
            accept_and_drain(
                core,
                a_new_transaction(customer_id=name, amount_minor=9_999, installments=3),
                a_new_transaction(customer_id=name, amount_minor=777, payment_method=PaymentMethod.DEBIT_CARD),
                a_new_transaction(customer_id=name, amount_minor=5_001, currency=Currency.USD),
            )
        clock.advance(days=31)
        core.settle_payables(due_on=DUE_ON)

        result = bean_check(core, tmp_path)

        assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
        text = (tmp_path / "ledger.beancount").read_text()
        opened = re.findall(r"open (Liabilities:MerchantPending:\S+)", text)
        assert len(opened) == len(set(opened)) == len(names)

    def test_writes_amounts_with_the_decimal_places_of_their_currency(
        self, core: Core, clock: SettableClock, tmp_path: Path
    ) -> None:
        accept_and_drain(
            core,
            a_new_transaction(amount_minor=100_001, currency=Currency.JPY),
            a_new_transaction(amount_minor=100_001, currency=Currency.BHD),
            a_new_transaction(amount_minor=100_001, currency=Currency.BRL),
        )

        result = bean_check(core, tmp_path)

        assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
        text = (tmp_path / "ledger.beancount").read_text()
        posted = re.findall(r"^  \S+MerchantPending\S+  (\S+ \w+)$", text, re.MULTILINE)
        assert sorted(posted) == ["-95.001 BHD", "-950.01 BRL", "-95001 JPY"]
        stored = re.findall(r"balance \S+MerchantPending\S+  (\S+) ~ 0 (\w+)$", text, re.MULTILINE)
        assert sorted(stored) == [("-95.001", "BHD"), ("-950.01", "BRL"), ("-95001", "JPY")]

    def test_is_refused_by_beancount_when_a_stored_balance_is_wrong(self, core: Core, tmp_path: Path) -> None:
        accept_and_drain(core, a_new_transaction())
        execute(core.settings, "UPDATE ledger_balances SET pending_minor = pending_minor + 1")

        result = bean_check(core, tmp_path)

        assert result.returncode != 0
        assert "Balance failed" in result.stdout + result.stderr
        execute(core.settings, "UPDATE ledger_balances SET pending_minor = pending_minor - 1")

    def test_of_nothing_is_nothing(self, core: Core) -> None:
        lines: list[str] = []

        assert core.read_ledger.export(lines.append) == 0
        assert lines == []
