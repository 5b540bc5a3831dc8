"""Terms: what is named changes and nothing else, for a merchant that is meant, and after somebody looked."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from psp_core.adapters.clock import SystemClock
from psp_core.bootstrap import Core
from psp_core.cli.commands import commands
from psp_core.domain.access import Pepper, Scope
from psp_core.domain.kernel.calendar import BankCalendar
from psp_core.domain.kernel.errors import FeePlanChanged, UnknownMerchant
from psp_core.domain.pricing.fee_plans import DEFAULT_FEE_PLAN, ChangedTerms, FeePlan, plan_in_force
from psp_core.settings import Settings
from tests.builders import SettableClock, a_new_transaction, a_submission

OWN = ChangedTerms(credit_fee_bps=100, debit_fee_bps=200, credit_delay_days=14, calendar=BankCalendar.BRAZIL)
WHY = ("--reason", "contract 7")


@pytest.fixture(autouse=True)
def _environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PSP_DATABASE_URL", settings.database_url.get_secret_value())


@pytest.fixture
def luke(core: Core, clock: SettableClock) -> str:
    # Long ago by the machine's clock, too.
    clock.instant = datetime(2020, 3, 10, 12, tzinfo=UTC)
    core.change_fee_plan("luke", terms=OWN, may_be_new=True)
    clock.advance(minutes=1)
    return "luke"


def psp(*words: str) -> Result:
    return CliRunner().invoke(commands, ["fee-plans", *words])


def terms(core: Core, customer_id: str) -> ChangedTerms:
    """Return what is in force by the machine's clock, which the commands have."""
    plan = plan_in_force(core.read_fee_plans.of(customer_id), at=SystemClock().now())
    return ChangedTerms(plan.credit_fee_bps, plan.debit_fee_bps, plan.credit_delay_days, plan.calendar)


class TestAChange:
    @pytest.mark.parametrize(
        "named",
        [
            {"credit_fee_bps": 0},
            {"debit_fee_bps": 0},
            {"credit_delay_days": 0},
            {"calendar": BankCalendar.EVERY_DAY},
            {"credit_fee_bps": 7, "credit_delay_days": 3},
        ],
    )
    def test_is_of_what_is_named_and_nothing_else(self, core: Core, luke: str, named: dict[str, Any]) -> None:
        core.change_fee_plan(luke, terms=ChangedTerms(**named))

        assert terms(core, luke) == replace(OWN, **named)

    def test_begins_with_the_platforms_terms_for_who_has_none(self, core: Core) -> None:
        plan = core.change_fee_plan("luke", terms=ChangedTerms(debit_fee_bps=1), may_be_new=True)

        assert (plan.credit_fee_bps, plan.debit_fee_bps, plan.credit_delay_days) == (500, 1, 30)

    def test_stores_nothing_where_nothing_differs(self, core: Core, luke: str) -> None:
        core.change_fee_plan(luke, terms=ChangedTerms(credit_delay_days=14))

        assert len(core.read_fee_plans.of(luke)) == 1

    def test_is_refused_for_whom_nobody_knows(self, core: Core, luke: str) -> None:
        with pytest.raises(UnknownMerchant, match="nobody called 'luek'"):
            core.change_fee_plan("luek", terms=OWN)

    def test_is_taken_for_who_made_a_transaction_or_has_a_key(self, core: Core) -> None:
        core.accept_transactions([a_submission(a_new_transaction(customer_id="han"))])
        keys = replace(core.manage_api_keys, pepper=Pepper(b"p" * 64))
        keys.create("leia", scopes=[Scope.READ])

        for customer_id in ("han", "leia"):
            assert core.change_fee_plan(customer_id, terms=OWN).credit_delay_days == 14

    def test_is_refused_when_the_terms_are_no_longer_those_that_were_shown(self, core: Core, luke: str) -> None:
        with pytest.raises(FeePlanChanged, match="changed meanwhile"):
            core.change_fee_plan(luke, terms=ChangedTerms(debit_fee_bps=0), shown=DEFAULT_FEE_PLAN)

        assert terms(core, luke) == OWN

    def test_undoes_no_other_that_is_made_at_the_same_time(self, core: Core, luke: str) -> None:
        change = replace(core.change_fee_plan, clock=SystemClock())
        rivals = [ChangedTerms(credit_fee_bps=1), ChangedTerms(debit_fee_bps=2), ChangedTerms(credit_delay_days=3)]

        with ThreadPoolExecutor(len(rivals)) as threads:
            list(threads.map(lambda one: change(luke, terms=one), rivals))

        assert terms(core, luke) == ChangedTerms(1, 2, 3, BankCalendar.BRAZIL)


class TestSet:
    def test_shows_the_difference_and_changes_what_is_named(self, core: Core, luke: str) -> None:
        done = psp("set", luke, "--credit-delay-days", "0", "--yes", *WHY)

        assert done.exit_code == 0, done.output
        assert "credit delay days   14 -> 0\n" in done.stderr
        assert "debit fee bps       200 stays\n" in done.stderr
        assert done.stdout == "luke: credit 100 bps after 0 days, debit 200 bps, brazil\n"
        assert terms(core, luke) == replace(OWN, credit_delay_days=0)

    def test_refuses_a_mistyped_merchant(self, core: Core, luke: str) -> None:
        refused = psp("set", "luek", "--credit-delay-days", "0", "--yes", *WHY)

        assert refused.exit_code == 1
        assert "nobody called 'luek'" in refused.stderr
        assert "add --new-merchant" in refused.stderr

    def test_does_nothing_where_the_terms_are_these(self, core: Core, luke: str) -> None:
        assert "nothing was changed" in psp("set", luke, "--debit-fee-bps", "200", *WHY).stdout
        assert core.record_operator_action.newest(limit=9) == []

    @pytest.mark.parametrize(("answer", "days"), [("y\n", 0), ("n\n", 14), ("\n", 14)])
    def test_asks_whoever_sits_at_a_terminal(self, core: Core, luke: str, answer: str, days: int) -> None:
        command = [str(Path(sys.executable).parent / "psp"), "fee-plans", "set", luke, "--credit-delay-days", "0", *WHY]
        ours, theirs = pty.openpty()
        os.write(ours, answer.encode())
        try:
            done = subprocess.run(command, stdin=theirs, capture_output=True, text=True, timeout=60, check=False)
        finally:
            os.close(ours)
            os.close(theirs)

        assert "Is this meant?" in done.stderr
        assert (done.returncode == 0) == (days == 0)
        assert terms(core, luke) == replace(OWN, credit_delay_days=days)

    def test_says_when_other_terms_take_its_place(self, core: Core, luke: str) -> None:
        _agree_for_later(core, luke, FeePlan(1, 1, 1, BankCalendar.EVERY_DAY, SystemClock().now() + timedelta(days=9)))

        done = psp("set", luke, "--debit-fee-bps", "0", "--yes", *WHY)

        assert "when: credit 1 bps after 1 days, debit 1 bps, every_day" in done.stderr


class TestShow:
    def test_has_what_is_in_force_what_was_and_what_is_to_come(self, core: Core, luke: str) -> None:
        later = SystemClock().now() + timedelta(days=9)
        _agree_for_later(core, luke, FeePlan(1, 1, 1, BankCalendar.EVERY_DAY, later))

        lines = psp("show", luke).stdout.splitlines()

        assert [line.split("  ")[0] for line in lines] == ["to come", "in force", "past"]
        assert lines[0].endswith("credit 1 bps after 1 days, debit 1 bps, every_day")
        assert lines[1].endswith("credit 100 bps after 14 days, debit 200 bps, brazil")
        assert "the platform's" in lines[2]

    def test_has_one_days_terms_alone(self, core: Core, luke: str) -> None:
        # By the test's clock luke's terms began on 10 March, at noon; that day saw the platform's, too.
        assert len(psp("show", luke, "--on", "2020-03-10").stdout.splitlines()) == 2
        [before] = psp("show", luke, "--on", "2020-03-09").stdout.splitlines()
        [after] = psp("show", luke, "--on", "2020-03-11").stdout.splitlines()
        assert "credit 500 bps" in before
        assert "credit 100 bps" in after

    def test_has_the_platforms_for_who_agreed_on_none(self, core: Core) -> None:
        core.accept_transactions([a_submission(a_new_transaction(customer_id="han"))])

        [line] = psp("show", "han").stdout.splitlines()

        assert line.startswith("in force  the platform's")


class TestList:
    def test_has_a_page_of_those_with_terms_of_their_own(self, core: Core, clock: SettableClock) -> None:
        clock.advance(days=-365)
        for customer_id in ("han", "leia", "luke"):
            core.change_fee_plan(customer_id, terms=OWN, may_be_new=True)

        first = psp("list", "--limit", "2")
        second = psp("list", "--limit", "2", "--after", "leia")

        assert [line.split()[0] for line in first.stdout.splitlines()] == ["han", "leia"]
        assert "--after 'leia'" in first.stderr
        assert [line.split()[0] for line in second.stdout.splitlines()] == ["luke"]
        assert psp("list", "--after", "luke").stdout == "no further merchant has terms of its own\n"


def _agree_for_later(core: Core, customer_id: str, plan: FeePlan) -> None:
    with core.store.begin() as work:
        work.fee_plans.add(customer_id, plan)
