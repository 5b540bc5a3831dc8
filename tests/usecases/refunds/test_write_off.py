"""Debt is given up by two people, once."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest

from psp_core.bootstrap import Core
from psp_core.domain.kernel.errors import DebtIsLess, NotFound, TwoPeopleNeeded, WriteOffOver
from psp_core.domain.kernel.money import Currency, Money
from psp_core.settings import Settings
from tests.builders import SettableClock
from tests.usecases.ledger.books_of import execute, postings, rows_of
from tests.usecases.refunds.sales import all_balances, pay_out, refund, sell


@pytest.fixture
def core(core: Core, clock: SettableClock) -> Core:
    """merchant-1 owes 950."""
    sale = sell(core, amount_minor=1_000)
    clock.advance(days=30)
    core.settle_payables(due_on=date(2026, 4, 9))
    pay_out(core, 950)
    refund(core, sale)
    clock.advance(days=1)
    core.settle_payables(due_on=date(2026, 4, 10))
    return core


def requested(core: Core, minor: int) -> UUID:
    return core.write_off_debt.request("merchant-1", Money(minor, Currency.BRL), reason="bankrupt", by="leia").id


class TestAWriteOff:
    def test_is_posted_when_somebody_else_releases_it(self, core: Core) -> None:
        id = requested(core, 600)
        assert all_balances(core) == (0, 0, 0, 0, 950)

        core.write_off_debt.release(id, by="han")

        assert all_balances(core) == (0, 0, 0, 0, 350)
        assert postings(core, "write_off") == [
            ("write_off", "debit", 600),
            ("merchant_receivable", "credit", 600),
        ]
        assert rows_of(
            core,
            "SELECT reason, requested_by, released_by, source = write_offs.id::text FROM write_offs"
            " JOIN ledger_entries ON ledger_entries.id = entry_id",
        ) == [("bankrupt", "leia", "han", True)]

    def test_needs_two_people_and_happens_once(self, core: Core) -> None:
        id = requested(core, 600)

        with pytest.raises(TwoPeopleNeeded):
            core.write_off_debt.release(id, by="leia")
        core.write_off_debt.release(id, by="han")
        with pytest.raises(WriteOffOver):
            core.write_off_debt.release(id, by="chewbacca")
        with pytest.raises(NotFound):
            core.write_off_debt.release(UUID(int=7), by="han")
        assert all_balances(core) == (0, 0, 0, 0, 350)

    def test_is_of_no_more_than_is_owed_when_asked_and_when_released(self, core: Core) -> None:
        with pytest.raises(DebtIsLess):
            requested(core, 951)
        first, second = requested(core, 600), requested(core, 600)
        core.write_off_debt.release(first, by="han")

        with pytest.raises(DebtIsLess, match=r"owes BRL 3\.50"):
            core.write_off_debt.release(second, by="han")
        assert all_balances(core) == (0, 0, 0, 0, 350)

    def test_by_one_person_is_refused_by_the_database_itself(self, core: Core, settings: Settings) -> None:
        requested(core, 600)

        with pytest.raises(Exception, match="write_offs_two_people_check"):
            execute(settings, "UPDATE write_offs SET released_by = 'leia', released_at = now(), entry_id = id")
