"""Jobs that materialize assets: what sensors and schedules request. A run costs seconds, so each does a lot."""

import dagster as dg

from psp_pipelines.kernel.runs import DRAIN, HOUSEKEEPING, KIND, NOT_REPLACED, REPLACED_ONCE, SETTLEMENT
from psp_pipelines.ledger.debts import merchant_debts
from psp_pipelines.ledger.ledger_day import ledger_day
from psp_pipelines.ledger.opening import ledger_opening
from psp_pipelines.operations.dead_letters import dead_letters
from psp_pipelines.operations.flow import flow
from psp_pipelines.payables.payables import payables
from psp_pipelines.settlement.settlement import settlement
from psp_pipelines.settlement.settlement_report import settlement_report
from psp_pipelines.settlement.unpaid_dates import unpaid_dates

drain_payables = dg.define_asset_job(
    "drain_payables",
    selection=dg.AssetSelection.assets(payables).without_checks(),
    description="Consumes the queue until it has been empty for a while. The queue sensor requests it.",
    tags={KIND: DRAIN, **NOT_REPLACED},
)

settle_due_payables = dg.define_asset_job(
    "settle_due_payables",
    selection=dg.AssetSelection.assets(settlement, settlement_report),
    description="Settles a due date, or a range of them, checks the books and writes the report.",
    # A run whose worker died is replaced once; a refusal is final.
    tags={KIND: SETTLEMENT, **REPLACED_ONCE},
)

seal_ledger = dg.define_asset_job(
    "seal_ledger",
    selection=dg.AssetSelection.assets(ledger_day),
    description="Seals a business date, with every one before it that is not, and proves the seal.",
    tags={KIND: HOUSEKEEPING, **REPLACED_ONCE},
)

watch = dg.define_asset_job(
    "watch",
    selection=dg.AssetSelection.assets(flow, dead_letters, unpaid_dates, ledger_opening, merchant_debts),
    description="Looks every ten minutes whether anything is stuck, lost or overdue, which dates need a hand, "
    "what merchants owe, and whether the ledger still has to book what existed before it.",
    tags={KIND: HOUSEKEEPING, **NOT_REPLACED},
)
