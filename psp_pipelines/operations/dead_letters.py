"""The asset `dead_letters`: messages that nobody could deal with."""

import dagster as dg

from psp_pipelines.intake import transactions
from psp_pipelines.kernel import metadata
from psp_pipelines.kernel.resources import CoreResource

MESSAGES_SHOWN_MAX = 100


@dg.asset(deps=[transactions], group_name="intake", owners=["team:payments"], kinds={"sqs"})
def dead_letters(core: CoreResource) -> dg.MaterializeResult[None]:
    """Messages that were received five times without success, as they lie in the dead-letter queue now.

    Looked at every ten minutes. Empty is the good state. When the cause is found and mended, run
    the job `redrive`: it puts them into the transactions' queue again.
    """
    depth = core.queue.dead_letter_depth()
    messages = core.list_dead_letters(limit=MESSAGES_SHOWN_MAX)
    return dg.MaterializeResult(
        metadata={"messages": depth.waiting + depth.in_flight, "oldest_messages": metadata.messages_table(messages)}
    )


@dg.asset_check(asset=dead_letters, description="Looks for messages that were given up.")
def dead_letter_queue_empty(core: CoreResource) -> dg.AssetCheckResult:
    depth = core.queue.dead_letter_depth()
    messages = depth.waiting + depth.in_flight
    return dg.AssetCheckResult(
        passed=not messages,
        description=f"Messages given up: {messages:,}; their transactions have no payables."
        if messages
        else "No message was given up.",
        metadata={"messages": messages},
    )
