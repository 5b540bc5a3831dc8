"""A date that was missed: seen, told, and settled by somebody who knows the runbook's two sentences. After a year that
was settled without reports."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest
from dagster._core.remote_origin import RemoteJobOrigin

from psp_core.bootstrap import Core, build_core
from psp_core.domain.kernel.paging import Page
from psp_core.domain.payables import PayableFilter
from psp_core.settings import Settings
from psp_local.postgres import EmbeddedPostgres
from psp_pipelines.definitions import definitions
from psp_pipelines.kernel.runs import NO_REASON
from tests.builders import SettableClock, a_new_transaction, a_submission
from tests.pipelines.browser.graphql import runs_by_hand, wait_for_end
from tests.pipelines.browser.operator import PATIENCE_S, ROOT, Operator
from tests.pipelines.browser.test_settlement_in_the_browser import YEAR
from tests.pipelines.dagster_database import dagster_variables
from tests.pipelines.webhook import Webhook
from tests.waiting import wait_for

pytestmark = pytest.mark.timeout(900)
MISSED = datetime.now(UTC).date() - timedelta(days=3)
NEW_TRANSACTIONS = 1_000
OVERDUE = f"Overdue: BRL 47.50; merchants: 2; due dates (1): {MISSED}."


@pytest.fixture
def core(missed_year: Settings) -> Core:
    return build_core(missed_year)


@pytest.fixture
def dagster(
    dagster_url: str, postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dg.DagsterInstance]:
    """The records of the Dagster that runs."""
    for name, value in dagster_variables(postgres.url("dagster_browser")).items():
        monkeypatch.setenv(name, value)
    with dg.DagsterInstance.from_config(str(ROOT)) as instance:
        yield instance


class TestOperator:
    """In the order of their lines: each goes on from where the last one left the platform."""

    def test_has_missing_reports_written(self, operator: Operator, core: Core) -> None:
        before = len(runs_by_hand(operator.url))
        operator.materialize("unpaid_dates")
        wait_for_end(operator.url, more_than=before)
        operator.finds("/assets/unpaid_dates", "dates_without_report", "missing")

        operator.backfill(YEAR, asset="settlement_report")

        wait_for_end(operator.url, more_than=before + 1)
        assert core.find_unreported_dates() == []

    def test_sees_and_is_told_what_is_overdue_and_how_much(
        self, operator: Operator, core: Core, webhook: Webhook
    ) -> None:
        before = len(runs_by_hand(operator.url))
        a_missed_date(core)

        operator.materialize("unpaid_dates")

        wait_for_end(operator.url, more_than=before)
        operator.finds("/assets/unpaid_dates", str(MISSED), "BRL 47.50")
        operator.photograph("unpaid-dates")
        operator.finds("/assets/unpaid_dates?view=checks", "Failed", OVERDUE)
        operator.photograph("overdue")
        wait_for(lambda: told(webhook, "Check fails"), within_s=PATIENCE_S, what="the alarm")
        [alarm] = told(webhook, "Check fails")
        assert alarm["detail"].startswith(OVERDUE)
        assert alarm["link"] == f"{operator.url}/assets/unpaid_dates?view=checks"

    def test_sees_it_red_through_a_thousand_new_transactions(self, operator: Operator, core: Core) -> None:
        rows = [a_new_transaction(customer_id="newcomer") for _ in range(NEW_TRANSACTIONS)]
        core.accept_transactions([a_submission(*rows)])
        core.keep_relaying().run_until_empty()
        wait_for(lambda: payables_of(core, "newcomer"), within_s=PATIENCE_S, what="the payables")

        operator.finds("/assets/unpaid_dates?view=checks", "Failed", OVERDUE)
        operator.finds("/assets/settlement?view=partitions", "Materialized (365)")
        assert operator.page.get_by_text("Unsynced").count() == 0

    def test_settles_a_missed_date_by_the_runbooks_two_sentences(self, operator: Operator, core: Core) -> None:
        before = len(runs_by_hand(operator.url))
        operator.materialize("unpaid_dates")
        wait_for_end(operator.url, more_than=before)
        operator.finds("/assets/unpaid_dates", "days overdue")
        [missed] = re.findall(r"\b20\d\d-\d\d-\d\d\b", operator.page.get_by_role("table").last.inner_text())[:1]

        operator.settles(missed, reason="It was missed", picture="settle-by-hand")

        operator.sees("RUN_SUCCESS")
        assert date.fromisoformat(missed) not in core.find_unsettled_dates()
        operator.materialize("unpaid_dates")
        wait_for_end(operator.url, more_than=before + 1)
        operator.finds("/assets/unpaid_dates", "unpaid_dates")
        assert operator.page.get_by_text(missed, exact=True).count() == 0

    def test_is_asked_for_a_reason_when_a_schedules_run_is_executed_again(
        self, operator: Operator, dagster: dg.DagsterInstance
    ) -> None:
        run_id = a_sweeps_run(dagster)

        operator.open(f"/runs/{run_id}")
        operator.page.get_by_role("button", name=re.compile("Re-execute all")).first.click()

        operator.sees("settle by hand needs a reason")
        operator.photograph("re-execute")

    def test_reads_what_each_automation_is_for(self, operator: Operator) -> None:
        operator.finds("/locations/psp/schedules/settlement_sweep", "Settles every date that still has something due")
        operator.finds("/locations/psp/sensors/dead_run_sensor", "Looks every five seconds for runs")


def a_missed_date(core: Core) -> None:
    """Have 23.75 due for two merchants on a date that is settled already."""
    clock = SettableClock(datetime.now(UTC) - timedelta(days=33))
    rows = [a_new_transaction(customer_id=name) for name in ("late-comer", "latest-comer")]
    replace(core, clock=clock).accept_transactions([a_submission(*rows)])
    core.keep_relaying().run_until_empty()
    wait_for(lambda: core.find_unsettled_dates() == [MISSED], within_s=PATIENCE_S, what="the payables that came late")


def payables_of(core: Core, customer_id: str) -> bool:
    return bool(core.read_merchant.payables(customer_id, where=PayableFilter(), page=Page()))


def told(webhook: Webhook, beginning: str) -> list[dict[str, str]]:
    subject = f"{beginning}: unpaid_dates: nothing_overdue"
    return [message for message in webhook.received if message["subject"] == subject]


def a_sweeps_run(dagster: dg.DagsterInstance) -> str:
    """Have a run as the sweep asks for one, and return its id."""
    [other] = dagster.get_runs(limit=1)
    assert other.remote_job_origin
    run = dagster.create_run_for_job(
        definitions.resolve_job_def("settle_due_payables"),
        run_config=NO_REASON,
        tags={"dagster/schedule_name": "settlement_sweep", "dagster/partition": str(MISSED)},
        status=dg.DagsterRunStatus.SUCCESS,
        remote_job_origin=RemoteJobOrigin(other.remote_job_origin.repository_origin, "settle_due_payables"),
        job_code_origin=other.job_code_origin,
    )
    return run.run_id
