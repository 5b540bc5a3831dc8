"""The asset `settlement_report`: what finance and merchants reconcile with."""

from collections.abc import Iterator
from datetime import date

import dagster as dg

from psp_core.domain.kernel.errors import BooksDoNotBalance
from psp_pipelines.kernel import metadata
from psp_pipelines.kernel.backfills import end_if_cancelled
from psp_pipelines.kernel.failures import tried_again
from psp_pipelines.kernel.progress import Progress
from psp_pipelines.kernel.resources import CoreResource
from psp_pipelines.kernel.runs import DATES_PER_RUN
from psp_pipelines.settlement.partitions import due_dates
from psp_pipelines.settlement.settlement import settlement

REPORT_BALANCES = "report_balances"


@dg.asset(
    partitions_def=due_dates,
    backfill_policy=dg.BackfillPolicy.multi_run(max_partitions_per_run=DATES_PER_RUN),
    deps=[settlement],
    check_specs=[
        dg.AssetCheckSpec(
            REPORT_BALANCES,
            asset="settlement_report",
            blocking=True,
            description="Compares the lines of each batch with its settlement, and with the payout that balances them.",
        )
    ],
    group_name="settlement",
    owners=["team:finance-operations"],
    kinds={"csv", "parquet"},
)
def settlement_report(
    context: dg.AssetExecutionContext, core: CoreResource
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """A line for every payable that was paid and one for every payout: CSV and Parquet, by merchant and for all.

    Safe to materialize again: with late payables it becomes a new edition, in a folder of its own, which the date's
    manifest names; an unchanged one is not written again.
    Each batch ends with its payout, so every file adds up to zero; the manifest has the checksums.
    """
    # What can pass is an outage of the database or of S3.
    end_if_cancelled(context)
    with tried_again(context, first_delay_s=10):
        yield from _write_reports(context, core)


def _write_reports(
    context: dg.AssetExecutionContext, core: CoreResource
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    try:
        for key in context.partition_keys:
            progress = Progress(context.log.info, about=key)
            report = core.write_settlement_report(due_on=date.fromisoformat(key), on_progress=progress)
            context.add_asset_metadata(metadata.of_report(report, core.settings), partition_key=key)
    except BooksDoNotBalance as imbalance:
        shown = metadata.discrepancies_table(imbalance.discrepancies)
        yield dg.AssetCheckResult(
            check_name=REPORT_BALANCES, passed=False, description=str(imbalance), metadata={"discrepancies": shown}
        )
        raise dg.Failure(str(imbalance), allow_retries=False) from imbalance
    yield dg.MaterializeResult()
    yield dg.AssetCheckResult(check_name=REPORT_BALANCES, passed=True, description="The lines balance.")
