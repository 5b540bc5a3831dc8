"""`psp plans`: a file of rules is checked by line, shown as a difference, applied once, and prices sales."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from textwrap import dedent

import pytest
from click.testing import CliRunner, Result

from psp_core.adapters.postgres.schema.logins import Login
from psp_core.bootstrap import Core
from psp_core.cli.commands import commands
from psp_core.cli.pricing import plan_file
from psp_core.cli.pricing.plan_file import json_schema
from psp_core.domain.intake.transactions import PaymentMethod
from psp_core.domain.kernel.errors import PlanRulesOverlap
from psp_core.domain.operations.operator_actions import Outcome
from psp_core.domain.pricing.plan_changes import WantedRule
from psp_core.domain.pricing.plan_rules import CONTRACT, Scope
from psp_core.domain.pricing.terms import Fee
from psp_core.settings import Settings
from tests.logins import url_of

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
_minutes = count()
RULES = """
plans:
  "*":
    - payment_method: credit_card
      bps: 450
  "123":
    - payment_method: credit_card
      card_brand: elo
      installments: 2-6
      currency: BRL
      bps: 349
      fixed: 39
      min: 50
      max: 9000
      rounding: half_even
      delay: 2 business days
      step: 1 month
      calendar: brazil
      zone: America/Sao_Paulo
      closes_at: 22:00
    - bps: 400
      from: 2026-12-01T00:00:00-03:00
"""


@pytest.fixture
def settings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("PSP_DATABASE_URL", url_of(Login.OPERATOR, settings.database_url.get_secret_value()))
    return settings


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return written(tmp_path, RULES)


def written(folder: Path, text: str) -> Path:
    path = folder / "plans.yaml"
    path.write_text(dedent(text).lstrip("\n"))
    return path


def run(*words: object) -> Result:
    """Run a command, each a minute after the one before."""
    now = NOON + timedelta(minutes=next(_minutes))
    return CliRunner().invoke(commands, [str(word) for word in words], env={"PSP_CLOCK_START": now.isoformat()})


def apply(file: Path) -> Result:
    return run("plans", "apply", file, "--reason", "contract 7", "--yes")


class TestValidate:
    def test_counts_what_a_good_file_says(self, file: Path) -> None:
        assert run("plans", "validate", file).output == f"{file}: 3 rules for 2 merchants\n"

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            ("plans:\n  a:\n    - bps: 10001\n", "3: bps: Input should be less than or equal to 10000"),
            ("plans:\n  a:\n    - fixed: 3\n", "3: bps: is needed"),
            ("plans:\n  a:\n    - bps: 1\n      percent: 3\n", "4: percent: is not known here"),
            ("plans:\n  a:\n    - bps: 1\n      fixed: 5\n", "3: a fee with fixed, min or max is for one currency"),
            (
                "plans:\n  a:\n    - bps: 1\n    - bps: 2\n",
                "4: it is for the same sales from the same moment on as line 3",
            ),
            (
                "plans:\n  a:\n    - bps: 1\n      installments: 1-6\n    - bps: 2\n      installments: 6-9\n",
                "5: some of its installments are in the same range as line 3",
            ),
            ("plans:\n  a:\n    - bps: 1\n      installments: 6-2\n", "3: installments are 1 to 24"),
            ("plans:\n  a:\n    - bps: 1\n      bps: 2\n", "4: 'bps' is here twice"),
            ("plans:\n  a:\n    - bps: 1\n      delay: 3 weeks\n", "4: delay: String should match"),
            ("plans:\n  a:\n    - bps: 1\n      delay: 400 days\n", "3: a delay is 0 to 365 days"),
            ("plans:\n  a:\n    - bps: 1\n      closes_at: 25:00\n", "4: closes_at: String should match"),
            ("plans:\n  a:\n    - bps: 1\n      zone: Mars\n", "4: zone: no time zone"),
            ("plans:\n  a:\n    - bps: 1\n      from: 2026-12-01\n", "4: from: an instant has its offset"),
            ("plans:\n  a:\n    - bps: 1\n      from: soon\n", "4: from: Invalid isoformat string"),
            ("plans:\n  a:\n    - bps: 1\n      currency: XXX\n", "4: currency: must be a currency's code by ISO 4217"),
            ("plans:\n  a:\n    - bps: 1\n      card_brand: acme\n", "4: card_brand: Input should be 'visa'"),
            (
                "plans:\n  a:\n    - bps: 1\n      payment_method: debit_card\n      delay: 1 day\n",
                "3: a debit card is",
            ),
            ("plans:\n  m-4111111111111111:\n    - bps: 1\n", "2: m-4111111111111111: a merchant's name must not"),
            ("plans:\n  a: 5\n", "2: a: must be a list of rules"),
            ("plans: [a\n", "2: expected ',' or ']'"),
            ("plans: &x\n  a: *x\n", "2: an alias (*name) is not taken here"),
            ("", "1: must be fields with their values"),
            ("plan: {}\n", "1: plans: is needed"),
        ],
    )
    def test_names_the_line_of_what_is_wrong(self, tmp_path: Path, text: str, sentence: str) -> None:
        file = written(tmp_path, text)

        refused = run("plans", "validate", file)

        assert refused.exit_code == 1
        assert f"{file}:{sentence}" in refused.output
        assert "Traceback" not in refused.output

    def test_names_everything_that_is_wrong_at_once(self, tmp_path: Path) -> None:
        file = written(tmp_path, "plans:\n  a:\n    - bps: x\n      zone: Mars\n    - bps: -1\n")

        lines = re.findall(r"plans\.yaml:(\d+):", run("plans", "validate", file).output)

        assert lines == ["3", "4", "5"]


class TestTheSchema:
    def test_is_made_of_the_types_that_validate(self) -> None:
        shipped = Path(plan_file.__file__).with_name("plans.schema.json").read_text(encoding="utf-8")

        assert shipped == json.dumps(json_schema(), indent=2) + "\n"
        assert run("plans", "schema").output == shipped


class TestApply:
    def test_shows_what_changes_and_records_why(self, core: Core, file: Path) -> None:
        applied = apply(file)

        assert applied.exit_code == 0, applied.output
        assert [line[:1] for line in applied.output.splitlines()] == ["+", "+", "+", "0"]
        assert "+ merchant 123, credit_card, elo, 2-6 installments, BRL: 3.49 % + 0.39 at least 0.50" in applied.output
        [action] = core.record_operator_action.newest(limit=9)
        assert (action.action, action.reason, action.outcome) == ("plans apply", "contract 7", Outcome.DONE)
        assert (action.details["begun"], action.details["ended"]) == ("3", "0")

    def test_changes_nothing_the_second_time(self, core: Core, file: Path) -> None:
        apply(file)

        assert apply(file).output == "nothing changes\n"
        assert run("plans", "diff", file).output == "nothing changes\n"

    def test_changes_only_what_differs(self, core: Core, file: Path, tmp_path: Path) -> None:
        apply(file)
        changed = written(tmp_path, RULES.replace("bps: 450", "bps: 440"))

        output = run("plans", "diff", changed).output

        assert [line[:1] for line in output.splitlines()] == ["-", "+"]
        assert "4.50 %" in output.splitlines()[0]
        assert "ends now" in output.splitlines()[0]
        assert "4.40 %" in output.splitlines()[1]

    def test_ends_what_a_merchant_has_when_its_list_is_empty(self, core: Core, file: Path, tmp_path: Path) -> None:
        apply(file)
        emptied = written(tmp_path, "plans:\n  '123': []\n")

        output = apply(emptied).output

        assert output.count("- merchant 123") == 2
        assert "is taken back before it begins" in output
        assert "every merchant" not in output

    def test_asks_for_a_yes_where_nobody_can_answer(self, core: Core, file: Path) -> None:
        refused = run("plans", "apply", file, "--reason", "x")

        assert refused.exit_code == 2
        assert "--yes" in refused.output
        assert run("plans", "diff", file).output.count("\n") == 3

    def test_asks_for_a_reason(self, core: Core, file: Path) -> None:
        assert "needs a --reason" in run("plans", "apply", file, "--yes").output


class TestTwoChangesAtOnce:
    def test_leave_the_second_to_look_again(self, core: Core) -> None:
        mine = [WantedRule(Scope("123"), Fee(bps), CONTRACT[PaymentMethod.CREDIT_CARD].schedule) for bps in (1, 2)]
        first, second = (core.change_plans.preview(["123"], [each]) for each in mine)

        core.change_plans(["123"], mine[:1], expected=first, reason="first")
        with pytest.raises(PlanRulesOverlap, match="meanwhile"):
            core.change_plans(["123"], mine[1:], expected=second, reason="second")

        assert [rule.fee.bps for rule in core.show_plans(["123"])] == [1]


class TestShow:
    def test_prints_a_file_that_changes_nothing(self, core: Core, file: Path, tmp_path: Path) -> None:
        apply(file)
        shown = written(tmp_path, run("plans", "show", "123").output)

        assert run("plans", "validate", shown).exit_code == 0
        assert run("plans", "diff", shown).output == "nothing changes\n"

    def test_prints_a_fee_plan_as_a_file_that_changes_nothing(self, core: Core, tmp_path: Path) -> None:
        run("fee-plans", "set", "456", "--credit-delay-days", "2", "--calendar", "brazil")
        shown = written(tmp_path, run("plans", "show", "456").output)

        assert run("plans", "diff", shown).output == "nothing changes\n"


class TestPrice:
    def test_tells_what_a_sale_costs_when_it_is_paid_and_why(self, core: Core, file: Path) -> None:
        apply(file)

        output = run(
            *("plans", "price", "123", 10_000, "--brand", "elo", "--installments", 3),
            *("--at", "2026-11-27T22:00:00-03:00"),
        ).output

        # Friday at closing is Saturday's: two open days later it is Tuesday. 3.49 + 0.39 = 3.88.
        assert output.splitlines()[:5] == [
            "captured 2026-11-27T22:00:00-03:00: BRL 100.00",
            "fee 3.88, the merchant gets 96.12",
            "  1/3  due 2026-12-01  33.34 - 1.30 = 32.04",
            "  2/3  due 2026-12-30  33.33 - 1.29 = 32.04",
            "  3/3  due 2027-02-01  33.33 - 1.29 = 32.04",
        ]
        assert "decided by" in output
        assert "less specific" in output

    def test_is_the_contracts_where_there_is_no_rule(self, core: Core) -> None:
        output = run("plans", "price", "123", 2_500).output

        assert "fee 1.25, the merchant gets 23.75" in output
        assert "decided by 00000000-0000-7000-8000-000000000001" in output

    def test_has_no_cents_of_a_currency_without_them(self, core: Core) -> None:
        assert "JPY 2,500\nfee 125, " in run("plans", "price", "123", 2_500, "--currency", "JPY").output

    def test_refuses_what_is_no_sale(self, core: Core) -> None:
        refused = run("plans", "price", "123", 5, "--installments", 6)

        assert refused.exit_code == 1
        assert "at least one minor unit" in refused.output
