"""The asset `ledger_day`: a partition is a business date, and materializing it seals the date for ever."""

from collections.abc import Iterator
from datetime import date

import dagster as dg

from psp_core.domain.kernel.errors import BooksDoNotBalance, Discrepancy
from psp_core.domain.ledger.sealing import SealedDay
from psp_pipelines.kernel import metadata
from psp_pipelines.kernel.backfills import end_if_cancelled
from psp_pipelines.kernel.failures import refusals_end_the_run, tried_again
from psp_pipelines.kernel.resources import CoreResource
from psp_pipelines.kernel.runs import DATES_PER_RUN
from psp_pipelines.ledger.opening import ledger_opening
from psp_pipelines.ledger.partitions import business_dates

SEAL_HOLDS = "seal_holds"
MERCHANTS_SHOWN = 20


@dg.asset(
    partitions_def=business_dates,
    backfill_policy=dg.BackfillPolicy.multi_run(max_partitions_per_run=DATES_PER_RUN),
    deps=[ledger_opening],
    check_specs=[
        dg.AssetCheckSpec(
            SEAL_HOLDS,
            asset="ledger_day",
            blocking=True,
            description="The date's entries hash to its seal, it stands on the day before, and debits are credits.",
        )
    ],
    group_name="ledger",
    owners=["team:finance-operations"],
    kinds={"postgres"},
)
def ledger_day(
    context: dg.AssetExecutionContext, core: CoreResource
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """A business date's totals, its trial balance and its seal: nothing of it changes any more.

    Sealed every night, with every date before it that is not. Materialize a date again to see it, and to have its seal
    proved from its entries. What is posted later is effective on a later date.
    """
    end_if_cancelled(context)
    with tried_again(context, first_delay_s=5):
        found: list[Discrepancy] = []
        for key in context.partition_keys:
            day = date.fromisoformat(key)
            with refusals_end_the_run():
                sealed = core.seal_days(day)
                found += _discrepancies(core, sealed)
                largest = core.read_ledger.most_moved_on(day, limit=MERCHANTS_SHOWN)
            context.add_asset_metadata(metadata.of_ledger_day(sealed, largest), partition_key=key)
        yield dg.MaterializeResult()
        yield dg.AssetCheckResult(
            check_name=SEAL_HOLDS,
            passed=not found,
            metadata={"discrepancies": metadata.discrepancies_table(found)},
        )
        if found:
            raise dg.Failure(str(BooksDoNotBalance(found)), allow_retries=False)


def _discrepancies(core: CoreResource, sealed: SealedDay) -> list[Discrepancy]:
    found: list[Discrepancy] = core.verify_ledger(since=sealed.day, until=sealed.day).discrepancies
    return found
