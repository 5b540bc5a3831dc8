"""The books: checked after every settlement, and before any report is written."""

import dagster as dg

from psp_pipelines.kernel import metadata
from psp_pipelines.kernel.resources import CoreResource
from psp_pipelines.settlement.settlement import settlement


@dg.asset_check(asset=settlement, blocking=True)
def books_balance(core: CoreResource) -> dg.AssetCheckResult:
    """Not a cent was created, lost, paid early or paid twice, since the last sealed day.

    Gross is fee plus net in each payable; a transaction's payables add up to it; a settlement's
    totals are the sums of its lines; a transaction is paid when all its payables are. Each entry of the ledger
    balances, and is what its payables and settlements say. Sealed days are proved by their hash, and all of history
    is checked once a week.
    """
    discrepancies = core.check_books()
    return dg.AssetCheckResult(
        passed=not discrepancies,
        metadata={"discrepancies": len(discrepancies), "first": metadata.discrepancies_table(discrepancies)},
    )
