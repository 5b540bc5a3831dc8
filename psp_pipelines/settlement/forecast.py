"""The job `forecast`: what falls due on dates to come, as far as it is known. Partitions end today."""

from collections.abc import Sequence
from datetime import date, timedelta

import dagster as dg
from pydantic import Field

from psp_core.domain.settlement.settlements import totals_by_currency
from psp_pipelines.kernel import metadata
from psp_pipelines.kernel.failures import refusals_end_the_run
from psp_pipelines.kernel.resources import CoreResource
from psp_pipelines.kernel.runs import HOUSEKEEPING, KIND, NOT_REPLACED

DATES_MAX = 92


class ForecastConfig(dg.Config):
    first_date: str = Field(description="The first due date, as YYYY-MM-DD")
    last_date: str = Field(default="", description=f"The last one, {DATES_MAX} dates at most; none: the first alone")
    merchants: list[str] = Field(default=[], description="Only these merchants; none means all")


@dg.op
def forecast_dates(context: dg.OpExecutionContext, config: ForecastConfig, core: CoreResource) -> None:
    """Show what is due on each date by now. Nothing is paid; more may fall due on the dates until they come."""
    merchants = config.merchants or None
    with refusals_end_the_run():
        outcomes = [core.settle_payables(due_on=day, merchants=merchants, dry_run=True) for day in _parsed(config)]
    whole = totals_by_currency(item for outcome in outcomes for item in outcome.settled)
    context.log.info("A forecast: nothing was paid, and more may fall due on these dates until they come.")
    context.add_output_metadata(
        {
            "forecast": "what is due by now; nothing was paid, and more may fall due until then",
            "due_in_all": metadata.totals_table(whole),
            "due_by_date": metadata.due_table(outcomes),
        }
    )


@dg.job(tags={KIND: HOUSEKEEPING, **NOT_REPLACED})
def forecast() -> None:
    """Shows what falls due on dates to come, by date and currency, as far as it is known now. Changes nothing."""
    forecast_dates()


def _parsed(config: ForecastConfig) -> Sequence[date]:
    try:
        first = date.fromisoformat(config.first_date)
        last = date.fromisoformat(config.last_date or config.first_date)
    except ValueError as refusal:
        raise dg.Failure(f"first_date, last_date: {refusal}", allow_retries=False) from refusal
    count = (last - first).days + 1
    if not 1 <= count <= DATES_MAX:
        raise dg.Failure(f"from {first} to {last} are {count} dates; 1 to {DATES_MAX} are shown", allow_retries=False)
    return [first + timedelta(days=number) for number in range(count)]
