"""The flow of transactions: nothing is stuck or lost. Looked at every ten minutes by the job `watch`.

Drains do not touch this asset. A check's result belongs to the latest materialization of its asset, so that on
`payables` a red check would be "Not Evaluated" with the next transaction.
"""

import dagster as dg

from psp_pipelines.kernel.resources import CoreResource

STRAYS_SHOWN_MAX = 10


@dg.asset(group_name="operations", owners=["team:payments"], kinds={"postgres", "sqs"})
def flow(core: CoreResource) -> dg.MaterializeResult[None]:
    """Where transactions wait at this moment, on their way from the API to their payables.

    Looked at every ten minutes. What was stored is in the outbox for less than a second, and in the
    queue until a drain run takes it.
    """
    waiting = core.check_flow()
    return dg.MaterializeResult(
        metadata={
            "outbox_entries": waiting.outbox.entries,
            "outbox_oldest_age_s": round(waiting.outbox.oldest_age_s),
            "messages_waiting": waiting.queue.waiting,
            "messages_in_hand": waiting.queue.in_flight,
            "messages_given_up": waiting.dead_letters.waiting + waiting.dead_letters.in_flight,
        }
    )


@dg.asset_check(
    asset=flow,
    description="Looks for transactions of the last days that are older than some minutes and have no payables.",
)
def every_transaction_has_payables(core: CoreResource) -> dg.AssetCheckResult:
    report = core.check_flow.strays()
    count = len(report.strays)
    why = "their messages may still be on their way" if report.on_their_way else "their messages were lost"
    return dg.AssetCheckResult(
        passed=not count,
        description=f"Transactions without payables: {count:,}, the oldest is {report.strays[0]}; {why}."
        if count
        else "Every transaction has its payables.",
        metadata={
            "without_payables": count,
            "still_on_their_way": report.on_their_way,
            "first": ", ".join(str(id) for id in report.strays[:STRAYS_SHOWN_MAX]),
        },
    )


@dg.asset_check(
    asset=flow, description="Looks for transactions that were stored and not sent to the queue within a minute."
)
def outbox_not_stuck(core: CoreResource) -> dg.AssetCheckResult:
    waiting = core.check_flow()
    entries, oldest_age_s = waiting.outbox.entries, round(waiting.outbox.oldest_age_s)
    return dg.AssetCheckResult(
        passed=not waiting.is_late,
        description=f"Entries in the outbox: {entries:,}, the oldest for {oldest_age_s:,} s; nobody sends them."
        if waiting.is_late
        else "What was stored is sent.",
        metadata={"entries": entries, "oldest_age_s": oldest_age_s},
    )
