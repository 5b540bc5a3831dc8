"""The asset `merchant_debts`: what merchants owe, and the check that none has owed for long."""

from collections.abc import Sequence
from datetime import date

import dagster as dg

from psp_core.domain.kernel.money import written
from psp_core.domain.ledger.balances import Debt
from psp_core.usecases.ledger.list_debts import OLD_DAYS
from psp_pipelines.kernel.metadata import Shown, plain_rows
from psp_pipelines.kernel.resources import CoreResource


@dg.asset(group_name="ledger", owners=["team:finance-operations"], kinds={"postgres"})
def merchant_debts(core: CoreResource) -> dg.MaterializeResult[None]:
    """What merchants owe: money that came back when there was nothing to take it from.

    Looked at every ten minutes. Whatever becomes available next repays it, in that very commit.
    """
    found = core.list_debts()
    return dg.MaterializeResult(
        metadata={
            "debts": len(found.listed),
            "older_than_20_days": len(found.old),
            "oldest": _table(found.listed, found.today),
        }
    )


@dg.asset_check(asset=merchant_debts, description=f"Looks for merchants who have owed for more than {OLD_DAYS} days.")
def no_old_debt(core: CoreResource) -> dg.AssetCheckResult:
    found = core.list_debts()
    old = found.old
    said = [f"{debt.customer_id} {debt.currency} {written(debt.debt_minor, debt.currency)}" for debt in old[:5]]
    return dg.AssetCheckResult(
        passed=not old,
        description=f"{len(old)} merchants have owed for more than {OLD_DAYS} days: {', '.join(said)}"
        if old
        else f"Nobody has owed for more than {OLD_DAYS} days.",
        metadata={"old_debts": len(old), "oldest": _table(old, found.today)},
    )


def _table(debts: Sequence[Debt], today: date) -> Shown:
    return plain_rows(
        ["merchant", "currency", "owes", "since", "days"],
        [
            (
                debt.customer_id,
                debt.currency.value,
                written(debt.debt_minor, debt.currency),
                str(debt.since),
                debt.age_days(today),
            )
            for debt in debts
        ],
    )
