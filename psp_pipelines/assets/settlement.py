"""The asset `settlement`: a partition is a due date, and materializing it pays what is due on it."""

from collections.abc import Iterator
from datetime import date

import dagster as dg
from pydantic import Field

from psp_pipelines.assets.payables import payables
from psp_pipelines.partitions import due_dates
from psp_pipelines.progress import Progress
from psp_pipelines.refusals import refusals_end_the_run
from psp_pipelines.resources import CoreResource


class SettlementConfig(dg.Config):
    """What a person may ask for in the launchpad; the schedule asks for everything."""

    merchants: list[str] | None = Field(default=None, description="Only these merchants; nothing means all")
    dry_run: bool = Field(default=False, description="Show what would be paid, and write nothing")
    reason: str | None = Field(default=None, description="Why this is run by hand")


@dg.asset(
    partitions_def=due_dates,
    backfill_policy=dg.BackfillPolicy.multi_run(max_partitions_per_run=31),
    deps=[payables],
    output_required=False,
    group_name="settlement",
    owners=["team:finance-operations"],
    kinds={"postgres"},
    # What can pass is an outage of the database: 5, 10, 20 seconds later it may be over.
    retry_policy=dg.RetryPolicy(max_retries=3, delay=5, backoff=dg.Backoff.EXPONENTIAL),
)
def settlement(
    context: dg.AssetExecutionContext, config: SettlementConfig, core: CoreResource
) -> Iterator[dg.MaterializeResult[None]]:
    """What was paid: every payable that is due on the date, in batches a merchant can reconcile.

    Materialize a date to pay it. Doing it twice pays nothing twice: the second run shows the
    totals of the first. A date that was missed is requested again within the hour by the sweep.
    """
    for key in context.partition_keys:
        with refusals_end_the_run():
            report = core.settle_payables(
                due_on=date.fromisoformat(key),
                merchants=config.merchants,
                dry_run=config.dry_run,
                on_progress=Progress(context.log.info),
            )
        context.add_asset_metadata(
            {"payables_settled": sum(item.totals.count for item in report.settled)}, partition_key=key
        )
    if not config.dry_run:
        yield dg.MaterializeResult()
