"""The books: checked after every settlement, and before any report is written."""

import dagster as dg

from psp_core.domain.kernel.errors import BooksDoNotBalance
from psp_pipelines.kernel import metadata
from psp_pipelines.kernel.resources import CoreResource
from psp_pipelines.settlement.settlement import settlement


@dg.asset_check(
    asset=settlement,
    blocking=True,
    description="Looks for a cent that was created, lost, paid early or paid twice since the last sealed day: gross is "
    "fee plus net in each payable; a transaction's payables add up to it; a settlement's totals are the sums of its "
    "lines; a transaction is paid when all its payables are; each entry of the ledger balances, and is what its "
    "payables and settlements say. Sealed days are proved by their hash, and all of history is checked once a week.",
)
def books_balance(core: CoreResource) -> dg.AssetCheckResult:
    discrepancies = core.check_books()
    return dg.AssetCheckResult(
        passed=not discrepancies,
        description=f"{BooksDoNotBalance(discrepancies)}" if discrepancies else "The books balance.",
        metadata={"discrepancies": len(discrepancies), "first": metadata.discrepancies_table(discrepancies)},
    )
