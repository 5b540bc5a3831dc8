"""`psp calendar`: a day is closed for what is sold later, and what is due on it moves once, when somebody says so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from click.testing import CliRunner, Result
from psycopg2.errors import IntegrityConstraintViolation
from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import IntegrityError

from psp_core.adapters.postgres.schema.logins import Login
from psp_core.bootstrap import Core
from psp_core.cli.commands import commands
from psp_core.domain.intake.transactions import PaymentMethod
from psp_core.domain.kernel.calendar import BankCalendar
from psp_core.domain.kernel.errors import DayIsOpen, SettlementInProgress
from psp_core.domain.kernel.paging import Page
from psp_core.domain.payables import Payable, PayableFilter
from psp_core.domain.pricing.plan_rules import CONTRACT, Scope
from psp_core.domain.pricing.terms import PaidFrom, Roll
from psp_core.settings import Settings
from tests.builders import NOON, SettableClock, a_new_transaction, a_rule, a_submission
from tests.logins import url_of

IN_BRAZIL = replace(
    CONTRACT[PaymentMethod.CREDIT_CARD].schedule,
    calendar=BankCalendar.BRAZIL,
    roll=Roll.FOLLOWING,
    paid_from=PaidFrom.START_OF_DAY,
    zone="America/Sao_Paulo",
)
DUE_ON = date(2026, 4, 9)  # a Thursday, 30 days after NOON


@pytest.fixture
def settings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("PSP_DATABASE_URL", url_of(Login.OPERATOR, settings.database_url.get_secret_value()))
    monkeypatch.setenv("PSP_CLOCK_START", NOON.isoformat())
    return settings


@pytest.fixture
def sold(core: Core) -> Core:
    """Two sales in Brazil and one by the contract, all due on the same day."""
    with core.close_day.store.begin() as work:
        work.plan_rules.add([a_rule(scope=Scope("merchant-1"), schedule=IN_BRAZIL)])
    for customer_id, amount in (("merchant-1", 2_500), ("merchant-1", 1_000), ("merchant-2", 9_900)):
        core.accept_transactions([a_submission(a_new_transaction(customer_id=customer_id, amount_minor=amount))])
    core.keep_relaying().run_until_empty()
    core.drain_queue()
    return core


def run(*words: str) -> Result:
    return CliRunner().invoke(commands, ["calendar", *words])


def payables(core: Core, customer_id: str = "merchant-1") -> list[Payable]:
    return core.read_merchant.payables(customer_id, where=PayableFilter(), page=Page())


@contextmanager
def connected(settings: Settings) -> Iterator[Connection]:
    engine = create_engine(settings.database_url.get_secret_value())
    with engine.begin() as connection:
        yield connection
    engine.dispose()


class TestList:
    def test_has_the_calendars_days_and_the_emergencies(self, core: Core) -> None:
        core.close_day.add(BankCalendar.BRAZIL, DUE_ON, reason="a flood")

        lines = run("list", "brazil", "--year", "2026").output.splitlines()

        assert "2026-04-09 Thu  emergency: a flood" in lines
        assert "2026-12-25 Fri" in lines
        assert not any(line.startswith(("2026-12-24", "2026-12-31", "2026-04-04")) for line in lines)


class TestAdd:
    def test_moves_nothing_and_says_what_waits(self, sold: Core) -> None:
        added = run("add", "brazil", "2026-04-09", "--reason", "a flood")

        assert added.exit_code == 0, added.output
        assert "2 payables, BRL 33.25, are due on it" in added.output
        assert {payable.due_on for payable in payables(sold)} == {DUE_ON}
        assert sold.record_operator_action.newest(limit=1)[0].action == "calendar add"

    def test_is_for_what_is_sold_later(self, sold: Core, clock: SettableClock) -> None:
        run("add", "brazil", "2026-04-09", "--reason", "a flood")
        sold.accept_transactions([a_submission()])
        sold.keep_relaying().run_until_empty()
        sold.drain_queue()

        assert payables(sold)[0].due_on == date(2026, 4, 10)

    def test_is_needed_once(self, core: Core) -> None:
        for day in ("2026-04-09", "2026-04-09", "2026-12-25"):
            last = run("add", "brazil", day, "--reason", "a flood")

        assert "as it was before" in last.output
        assert len(core.close_day.emergencies(BankCalendar.BRAZIL)) == 1


class TestMove:
    @pytest.fixture(autouse=True)
    def _closed(self, sold: Core) -> None:
        sold.close_day.add(BankCalendar.BRAZIL, DUE_ON, reason="a flood")

    def test_shows_first_and_changes_nothing(self, sold: Core) -> None:
        shown = run("move", "brazil", "2026-04-09", "--dry-run")

        assert shown.output == "2 payables, BRL 33.25, would move to 2026-04-10\n"
        assert {payable.due_on for payable in payables(sold)} == {DUE_ON}

    def test_moves_what_the_calendars_plans_have_due_and_keeps_the_date_of_before(self, sold: Core) -> None:
        moved = run("move", "brazil", "2026-04-09", "--reason", "a flood", "--yes")

        assert moved.output.endswith("2 payables moved\n"), moved.output
        for payable in payables(sold):
            assert (payable.due_on, payable.original_due_on) == (date(2026, 4, 10), DUE_ON)
            assert payable.payment_at == datetime(2026, 4, 10, 3, tzinfo=UTC)
        assert [payable.due_on for payable in payables(sold, "merchant-2")] == [DUE_ON]
        [action] = sold.record_operator_action.newest(limit=1)
        assert (action.action, action.details["to"], action.details["payables"]) == ("calendar move", "2026-04-10", "2")

    def test_moves_each_payable_once(self, sold: Core) -> None:
        run("move", "brazil", "2026-04-09", "--reason", "a flood", "--yes")
        sold.close_day.add(BankCalendar.BRAZIL, date(2026, 4, 10), reason="still")

        again = run("move", "brazil", "2026-04-10", "--reason", "a flood", "--yes")

        assert "2 more in BRL were moved before, and stay" in again.output
        assert {payable.due_on for payable in payables(sold)} == {date(2026, 4, 10)}

    def test_leaves_alone_what_was_paid(self, sold: Core, clock: SettableClock) -> None:
        clock.advance(days=31)
        sold.settle_payables(due_on=DUE_ON)

        assert run("move", "brazil", "2026-04-09", "--reason", "x", "--yes").output == "nothing waits for 2026-04-09\n"

    def test_is_settled_on_its_new_date(self, sold: Core, clock: SettableClock) -> None:
        run("move", "brazil", "2026-04-09", "--reason", "a flood", "--yes")
        clock.advance(days=31)

        assert sold.settle_payables(due_on=DUE_ON).count == 1
        assert sold.settle_payables(due_on=date(2026, 4, 10)).count == 2

    def test_waits_for_no_settlement_of_the_day(self, sold: Core) -> None:
        with sold.store.hold_due_date(DUE_ON, holder="a run"), pytest.raises(SettlementInProgress):
            sold.close_day.move(BankCalendar.BRAZIL, DUE_ON, to=date(2026, 4, 10))

    def test_refuses_a_day_that_is_open(self, sold: Core) -> None:
        with pytest.raises(DayIsOpen):
            sold.close_day.preview(BankCalendar.BRAZIL, date(2026, 4, 8))
        with pytest.raises(DayIsOpen, match="look again"):
            sold.close_day.move(BankCalendar.BRAZIL, DUE_ON, to=date(2026, 4, 13))

    def test_finds_what_was_made_before_payables_named_their_rule(self, sold: Core, settings: Settings) -> None:
        with connected(settings) as connection:
            connection.exec_driver_sql("ALTER TABLE plan_rules DISABLE TRIGGER plan_rules_only_end")
            connection.exec_driver_sql("UPDATE plan_rules SET payment_method = 'credit_card'")
            connection.exec_driver_sql("ALTER TABLE plan_rules ENABLE TRIGGER plan_rules_only_end")
            connection.exec_driver_sql("UPDATE payables SET plan_id = NULL")

        assert sold.close_day.preview(BankCalendar.BRAZIL, DUE_ON).payables == 2

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE payables SET due_on = due_on + 1",
            "UPDATE payables SET due_on = due_on + 1, original_due_on = due_on - 1",
            "UPDATE payables SET original_due_on = due_on - 1",
            "UPDATE payables SET due_on = due_on + 1, original_due_on = due_on, status = 'paid', paid_at = now()",
        ],
    )
    def test_is_all_that_the_database_lets_anybody_do(self, sold: Core, settings: Settings, statement: str) -> None:
        with pytest.raises(IntegrityError) as refused, connected(settings) as connection:
            connection.exec_driver_sql(statement)

        assert isinstance(refused.value.orig, IntegrityConstraintViolation)

    def test_does_not_make_anything_unpaid(self, sold: Core, settings: Settings, clock: SettableClock) -> None:
        run("move", "brazil", "2026-04-09", "--reason", "a flood", "--yes")
        clock.advance(days=31)
        sold.settle_payables(due_on=date(2026, 4, 10))

        with pytest.raises(IntegrityError) as refused, connected(settings) as connection:
            connection.exec_driver_sql(
                "UPDATE payables SET status = 'waiting_funds', paid_at = NULL, settlement_id = NULL"
                " WHERE original_due_on IS NOT NULL"
            )

        assert isinstance(refused.value.orig, IntegrityConstraintViolation)
        sold.settle_payables(due_on=DUE_ON)
