"""What finance operations do, in the real web interface with the real daemon. Slow: a minute or more each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import create_engine

from psp_core.bootstrap import build_core
from psp_core.settings import Settings
from tests.pipelines.browser.graphql import runs_by_hand, wait_for_end, wait_for_event
from tests.pipelines.browser.history import MISSED_DAYS
from tests.pipelines.browser.operator import Operator
from tests.pipelines.webhook import Webhook

pytestmark = pytest.mark.timeout(900)
ONE_DAY = timedelta(days=1)
LAST = datetime.now(UTC).date() - timedelta(days=20)
FIRST = LAST - timedelta(days=9)
RANGE = f"[{FIRST}...{LAST}]"
DRY_RUN = """ops:
  settlement:
    config:
      reason: How much would it be?
      merchants: [lightsabers-co]
      dry_run: true
"""
UNKNOWN_MERCHANT = """ops:
  settlement:
    config:
      reason: They are waiting for it
      merchants: [light-sabers]
"""
YEAR = f"[{datetime.now(UTC).date() - timedelta(days=MISSED_DAYS - 1)}...{datetime.now(UTC).date()}]"


def unsettled(settings: Settings) -> list[date]:
    core = build_core(settings)
    found = core.find_unsettled_dates()
    core.check_books.require()
    return found


class TestOperator:
    """In the order of their lines: each goes on from where the last one left the platform."""

    def test_sees_what_there_is(self, operator: Operator) -> None:
        operator.finds("/assets/payables", "payables_created")

        operator.finds("/locations/psp/asset-groups/settlement", "settlement_report", "sqs")
        operator.photograph("asset-graph", rows=(400, 700))

    def test_looks_what_would_be_paid(self, operator: Operator, missed_year: Settings) -> None:
        before = len(runs_by_hand(operator.url))

        operator.backfill(f"[{LAST}...{LAST}]", config=DRY_RUN)

        [run] = wait_for_end(operator.url, more_than=before)
        assert run["status"] == "SUCCESS"
        operator.finds(f"/runs/{run['runId']}", "Nothing was paid and nothing was changed", "would_be_paid")
        operator.photograph("dry-run")
        operator.finds("/assets/settlement?view=partitions", "Materialized (0)")
        assert LAST in unsettled(missed_year)

    def test_backfills_a_range_and_sees_metadata_and_checks(self, operator: Operator, missed_year: Settings) -> None:
        before = len(runs_by_hand(operator.url))

        operator.backfill(RANGE, reason="The schedule was off", picture="launch-backfill")

        wait_for_end(operator.url, more_than=before)
        operator.sees_as_settled(10)

        operator.finds(f"/assets/settlement?view=partitions&partition={LAST}", "settled_for_the_date", "lightsabers-co")
        operator.photograph("settled-partition")
        operator.finds("/assets/settlement?view=overview", "settled_for_the_date", "lightsabers-co")
        operator.photograph("settlement")
        operator.finds("/assets/settlement?view=checks", "books_balance", "control_totals")
        operator.photograph("checks")
        dates = [FIRST + number * ONE_DAY for number in range(10)]
        operator.finds("/assets/settlement?view=events", *map(str, dates))
        assert not set(unsettled(missed_year)) & set(dates)

    def test_repeats_it_and_sees_no_effect(self, operator: Operator) -> None:
        before = len(runs_by_hand(operator.url))

        operator.backfill(RANGE, reason="To be sure")

        [run] = wait_for_end(operator.url, more_than=before)
        assert run["status"] == "SUCCESS"
        operator.finds(f"/assets/settlement?view=partitions&partition={LAST}", "settled_in_this_run", "nothing")
        operator.photograph("second-run")

    def test_is_asked_for_a_forgotten_reason_and_no_date_turns_red(self, operator: Operator) -> None:
        before = len(runs_by_hand(operator.url))

        operator.is_refused(f"[{FIRST}...{FIRST}]", "settle by hand needs a reason")
        operator.is_refused(RANGE, "settle by hand needs a reason", picture="refused")

        operator.finds("/assets/settlement?view=partitions", "Failed (0)", "Materialized (10)")
        assert len(runs_by_hand(operator.url)) == before

    def test_is_told_of_a_failed_run_once(self, operator: Operator, webhook: Webhook) -> None:
        before = len(runs_by_hand(operator.url))

        operator.backfill(f"[{FIRST - ONE_DAY}...{FIRST - ONE_DAY}]", config=UNKNOWN_MERCHANT)

        [run] = wait_for_end(operator.url, more_than=before)
        assert run["status"] == "FAILURE"
        operator.finds(f"/runs/{run['runId']}", "no merchant called")
        operator.photograph("failed-run")
        expect_told(operator, webhook, run["runId"])

    def test_sees_what_passes_tried_again(self, operator: Operator, missed_year: Settings) -> None:
        before = len(runs_by_hand(operator.url))

        with unsettleable(missed_year):
            operator.backfill(f"[{FIRST - ONE_DAY}...{FIRST - ONE_DAY}]", reason="The database had a bad day")
            wait_for_event(operator.url, "STEP_UP_FOR_RETRY", more_than=before)

        [run] = wait_for_end(operator.url, more_than=before)
        assert run["status"] == "SUCCESS"
        assert FIRST - ONE_DAY not in unsettled(missed_year)

    def test_ends_a_run_that_is_not_tried_again(self, operator: Operator, missed_year: Settings) -> None:
        before = len(runs_by_hand(operator.url))
        due_on = FIRST - 2 * ONE_DAY

        with unsettleable(missed_year):
            operator.backfill(f"[{due_on}...{due_on}]", reason="By mistake")
            run_id = wait_for_event(operator.url, "STEP_START", more_than=before)
            operator.terminates(run_id)

        [run] = wait_for_end(operator.url, more_than=before)
        assert run["status"] == "CANCELED"
        assert due_on in unsettled(missed_year)

    def test_catches_up_a_missed_year(self, operator: Operator, missed_year: Settings) -> None:
        before = len(runs_by_hand(operator.url))

        operator.backfill(YEAR, reason="A year without settlements")

        runs = wait_for_end(operator.url, more_than=before)
        operator.sees_as_settled(MISSED_DAYS)
        assert {run["status"] for run in runs} == {"SUCCESS"}
        assert unsettled(missed_year) == []
        print(f"{len(runs)} runs, {sum(run['endTime'] - run['startTime'] for run in runs):.0f} s of run time")
        operator.photograph("caught-up")
        operator.sees_the_plot_of("net_BRL_minor_units")
        operator.photograph("settled-by-day")


@contextmanager
def unsettleable(settings: Settings) -> Iterator[None]:
    """Hold what a settlement writes to, as a database does that has something else to do."""
    # Without the product's settings, by which the database hangs up on who is idle in a transaction for a minute.
    engine = create_engine(settings.database_url.get_secret_value())
    with engine.begin() as connection:
        connection.exec_driver_sql("LOCK TABLE payables IN ACCESS EXCLUSIVE MODE")
        yield
    engine.dispose()


def expect_told(operator: Operator, webhook: Webhook, run_id: str) -> None:
    """Wait for the alarm, and some ticks more for one too many."""

    def told() -> list[Any]:
        return [message for message in webhook.received if message["link"].endswith(run_id)]

    for _ in range(60):
        if told():
            break
        operator.page.wait_for_timeout(1_000)
    operator.page.wait_for_timeout(15_000)
    [message] = told()
    assert "no merchant called 'light-sabers'" in message["detail"]
    assert f"Due dates: {FIRST - ONE_DAY}, which still owe BRL" in message["detail"]
