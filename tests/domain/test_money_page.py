"""Every worked example of docs/money.md, computed by the functions that a drain uses."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from psp_core.cli.pricing.plan_file import RuleEntry, read_plan_file
from psp_core.cli.pricing.yaml_lines import read_yaml
from psp_core.domain.intake.transactions import PaymentMethod
from psp_core.domain.kernel.calendar import BankCalendar
from psp_core.domain.kernel.money import Currency, Money
from psp_core.domain.payables import Quote, quote
from psp_core.domain.pricing.plan_rules import Sale
from psp_core.domain.pricing.prices import RuleBook
from tests.builders import NOON, a_rule

PAGE = (Path(__file__).parents[2] / "docs" / "money.md").read_text(encoding="utf-8")
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def rows_of(heading: str) -> list[list[str]]:
    """Return the cells of the first table below a heading of the page."""
    section = PAGE.partition(f"### {heading}\n")[2].partition("\n###")[0]
    table = [line for line in section.splitlines() if line.startswith("|")][2:]
    rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in table]
    assert rows, heading
    return rows


def quoted(rule: str, *, amount: int, installments: int, at: datetime = NOON) -> Quote:
    """Return what a sale costs under the rule, which is written as in a file."""
    entry: Any = read_yaml(rule.strip("`")).data
    wanted = RuleEntry.model_validate(entry).to_wanted(None)
    stored = a_rule(scope=wanted.scope, fee=wanted.fee, schedule=wanted.schedule, begins_at=LONG_AGO)
    sale = Sale("merchant-1", PaymentMethod.CREDIT_CARD, "visa", Currency.BRL, installments)
    return quote(sale, amount=Money(amount, Currency.BRL), book=RuleBook([stored]), at=at, zone=ZoneInfo("UTC"))


@pytest.mark.parametrize("row", rows_of("What a sale costs"), ids=lambda row: f"{row[0]} in {row[1]} {row[2]}")
def test_a_sale_costs_what_the_page_says(row: list[str]) -> None:
    amount, installments, rule, fees, receivables, _ = row

    payables = quoted(rule, amount=int(amount), installments=int(installments)).payables

    assert [payable.fee.minor for payable in payables] == [int(fee) for fee in fees.split()]
    assert [payable.receivable.minor for payable in payables] == [int(each) for each in receivables.split()]


@pytest.mark.parametrize("row", rows_of("When it is paid"), ids=lambda row: f"{row[0]} {row[2]}")
def test_a_sale_is_paid_when_the_page_says(row: list[str]) -> None:
    captured, installments, rule, dates, _ = row

    payables = quoted(rule, amount=10_000, installments=int(installments), at=datetime.fromisoformat(captured)).payables

    assert [str(payable.due_on) for payable in payables] == dates.split()
    if "brazil" in rule:
        assert all(BankCalendar.BRAZIL.is_open(payable.due_on) for payable in payables)


def test_the_pages_file_is_one(tmp_path: Path) -> None:
    file = tmp_path / "plans.yaml"
    file.write_text(PAGE.partition("```yaml\n")[2].partition("```")[0], encoding="utf-8")

    plans = read_plan_file(file)

    assert (plans.merchants, len(plans.wanted)) == ((None, "123"), 3)
