"""What operators ask by a job: why a merchant got this, and what falls due."""

from __future__ import annotations

from typing import Any

import dagster as dg
import pytest

from psp_core.bootstrap import Core
from psp_core.domain.kernel.paging import Page
from psp_core.domain.settlement.settlements import SettlementFilter
from tests.builders import SettableClock
from tests.pipelines.operations import DUE_ON, enqueue, failure_of, run_job


def ask(core: Core, instance: dg.DagsterInstance, job: str, op: str, **config: Any) -> dg.ExecuteInProcessResult:
    return run_job(job, core, instance=instance, tags={}, run_config={"ops": {op: {"config": config}}})


def shown_by(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    assert result.success
    [output] = [event for event in result.all_events if event.is_successful_output]
    return {name: value.value for name, value in output.step_output_data.metadata.items()}


class TestExplainMerchant:
    def test_answers_with_tables_and_needs_no_reason(
        self, core: Core, clock: SettableClock, instance: dg.DagsterInstance
    ) -> None:
        enqueue(core, 2_500, 999)
        core.drain_queue()
        clock.advance(days=30)
        core.settle_payables(due_on=clock.now().date())

        shown = shown_by(ask(core, instance, "explain_merchant", "explain", merchant="merchant-1", date=DUE_ON))

        assert shown["answer"].startswith(f"merchant-1 on {DUE_ON}: paid out BRL 33.25, already available nothing")
        settled, payout = (record.data for record in shown["settlements"].records)
        assert (settled["type"], settled["payables"], settled["net"]) == ("Settled, credit_card", "2", "33.25")
        assert (payout["type"], payout["net"]) == ("MerchantPayout", "-33.25")
        assert shown["report"] == "none yet"

    @pytest.mark.parametrize(
        ("merchant", "day", "sentence"),
        [("nobody", DUE_ON, "no merchant called 'nobody'"), ("merchant-1", "soon", "date: Invalid isoformat")],
    )
    def test_refuses_in_a_sentence(
        self, merchant: str, day: str, sentence: str, core: Core, instance: dg.DagsterInstance
    ) -> None:
        enqueue(core, 100)

        result = ask(core, instance, "explain_merchant", "explain", merchant=merchant, date=day)

        assert failure_of(result).startswith(sentence)


class TestForecast:
    def test_shows_what_is_due_by_date_and_pays_nothing(self, core: Core, instance: dg.DagsterInstance) -> None:
        enqueue(core, 2_000, installments=2)
        core.drain_queue()

        result = ask(core, instance, "forecast", "forecast_dates", first_date=DUE_ON, last_date="2026-05-09")

        shown = shown_by(result)
        assert "nothing was paid" in shown["forecast"]
        assert [tuple(record.data.values()) for record in shown["due_by_date"].records] == [
            (DUE_ON, "BRL", 1, 1, "10.00", "0.50", "9.50"),
            ("2026-05-09", "BRL", 1, 1, "10.00", "0.50", "9.50"),
        ]
        assert "| BRL | 2 | 20.00 | 1.00 | 19.00 |" in shown["due_in_all"]
        assert core.read_merchant.settlements("merchant-1", where=SettlementFilter(), page=Page()) == []

    def test_refuses_more_dates_than_can_be_shown(self, core: Core, instance: dg.DagsterInstance) -> None:
        result = ask(core, instance, "forecast", "forecast_dates", first_date=DUE_ON, last_date="2027-04-09")

        assert failure_of(result) == "from 2026-04-09 to 2027-04-09 are 366 dates; 1 to 92 are shown"
