"""The job `repair`: transactions whose message was lost are sent again."""

from datetime import datetime

import dagster as dg
from pydantic import Field

from psp_pipelines.kernel.by_hand import record_if_by_hand
from psp_pipelines.kernel.resources import CoreResource
from psp_pipelines.kernel.runs import HOUSEKEEPING, KIND, NOT_REPLACED

TRANSACTIONS_MAX = 100_000


class RepairConfig(dg.Config):
    reason: str = Field(default="", description="Why this is run by hand; the sensor needs none")
    created_from: str = Field(default="", description="An ISO instant; nothing means a week ago")


@dg.op
def repair_transactions(context: dg.OpExecutionContext, config: RepairConfig, core: CoreResource) -> None:
    """Put transactions that have no payables into the outbox again, where the relay finds them."""
    record_if_by_hand(
        context,
        core,
        action="repair",
        details={"created_from": config.created_from},
    )
    created_from = datetime.fromisoformat(config.created_from) if config.created_from else None
    count = core.repair_transactions(created_from=created_from, limit=TRANSACTIONS_MAX)
    context.log.info(f"{count:,} transactions without payables were enqueued again")
    context.add_output_metadata({"transactions": count})


@dg.job(tags={KIND: HOUSEKEEPING, **NOT_REPLACED})
def repair() -> None:
    """Finds transactions without payables and enqueues them again. Harmless when they were only late."""
    repair_transactions()
