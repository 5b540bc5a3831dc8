"""The jobs that sensors and schedules request. A run takes seconds to start, so each does a lot."""

import dagster as dg

from psp_pipelines.assets.payables import payables
from psp_pipelines.assets.settlement import settlement

DRAIN_TAGS = {"psp/kind": "drain"}

drain_payables = dg.define_asset_job(
    "drain_payables",
    selection=dg.AssetSelection.assets(payables).without_checks(),
    description="Consumes the queue until it has been empty for a while. The queue sensor requests it.",
    executor_def=dg.in_process_executor,
    # The sensor replaces a run that died; a retry beside it would be one consumer too many.
    tags={**DRAIN_TAGS, "dagster/max_retries": "0"},
)

settle_due_payables = dg.define_asset_job(
    "settle_due_payables",
    selection=dg.AssetSelection.assets(settlement),
    description="Settles one due date, or a range of them. The schedule requests it, and the sweep what is left.",
    # A run whose worker died is replaced once; a refusal is final.
    tags={"psp/kind": "settlement", "dagster/max_retries": "1"},
)
