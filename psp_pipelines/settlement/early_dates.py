"""The job `settle_early_dates`: due dates before the first partition are paid, too.

A due date that is older than PSP_FIRST_DUE_DATE has no partition to materialize, but its money is owed all the same.
"""

from collections.abc import Sequence
from datetime import date

import dagster as dg
from pydantic import Field

from psp_core.observability import get_logger
from psp_pipelines.kernel.by_hand import record_if_by_hand
from psp_pipelines.kernel.failures import refusals_end_the_run
from psp_pipelines.kernel.progress import Progress
from psp_pipelines.kernel.resources import CoreResource
from psp_pipelines.kernel.runs import KIND, REPLACED_ONCE, SETTLEMENT
from psp_pipelines.settlement.partitions import calendar

_log = get_logger(__name__)


class EarlyDatesConfig(dg.Config):
    reason: str = Field(default="", description="Why this is run by hand; the sweep needs none")
    due_dates: list[str] = Field(description="Due dates before PSP_FIRST_DUE_DATE, as YYYY-MM-DD")


@dg.op
def settle_dates(context: dg.OpExecutionContext, config: EarlyDatesConfig, core: CoreResource) -> None:
    """Settle the dates one by one, check the books, and write each date's report."""
    dates = _parsed(config.due_dates)
    record_if_by_hand(context, core, action="settle", details={"dates": ", ".join(config.due_dates)})
    count = 0
    with refusals_end_the_run():
        for due_on in dates:
            report = core.settle_payables(due_on=due_on, on_progress=Progress(context.log.info, about=str(due_on)))
            # The same field as of `settlement`: what is watched there is watched here.
            _log.info("settled", due_on=str(due_on), settled_count=report.count)
            count += report.count
        core.check_books.require()
        for due_on in dates:
            core.write_settlement_report(due_on=due_on)
    context.add_output_metadata({"payables": count, "dates": len(dates)})


@dg.job(tags={KIND: SETTLEMENT, **REPLACED_ONCE})
def settle_early_dates() -> None:
    """Settles due dates that are older than the first partition. The sweep requests it; harmless when repeated."""
    settle_dates()


def _parsed(texts: Sequence[str]) -> list[date]:
    try:
        dates = sorted({date.fromisoformat(text) for text in texts})
    except ValueError as refusal:
        raise dg.Failure(f"due_dates: {refusal}", allow_retries=False) from refusal
    if dates and dates[-1] >= calendar.first_due_date:
        raise dg.Failure(f"{dates[-1]} has a partition: materialize `settlement` for it", allow_retries=False)
    return dates
