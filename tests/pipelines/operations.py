"""What the pipeline tests do over and over: post, drain, and run jobs in this process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import dagster as dg

from psp_core.bootstrap import Core
from psp_pipelines.definitions import definitions
from tests.builders import NOON, SettableClock, a_new_transaction, a_submission

SCHEDULED = {"dagster/schedule_name": "daily_settlement"}


def enqueue(core: Core, *amounts: int, customer_id: str = "merchant-1", installments: int = 1) -> None:
    rows = [
        a_new_transaction(customer_id=customer_id, amount_minor=amount, installments=installments) for amount in amounts
    ]
    core.accept_transactions([a_submission(*rows)])
    core.keep_relaying().run_until_empty()


def a_due_date(core: Core, clock: SettableClock, *amounts: int, customer_id: str = "merchant-1") -> None:
    """Let the date of these tests have come, with so much due."""
    clock.instant = NOON
    enqueue(core, *amounts, customer_id=customer_id)
    core.drain_queue()
    clock.advance(days=30)


def lose_the_queue(core: Core) -> None:
    """Let every message go, as a queue does that was not kept on disk."""
    while messages := core.queue.receive(wait_s=0):
        core.queue.delete([message.receipt for message in messages])


def dates(first: str, last: str) -> dict[str, str]:
    """Return the tags by which a backfill asks one run for several dates."""
    return {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}


def run_job(
    name: str,
    core: Core,
    *,
    instance: dg.DagsterInstance,
    partition_key: str | None = None,
    tags: Mapping[str, str] = SCHEDULED,
    run_config: Mapping[str, Any] | None = None,
) -> dg.ExecuteInProcessResult:
    """Run a job as it is defined, but with this test's core."""
    return definitions.resolve_job_def(name).execute_in_process(
        instance=instance,
        resources={"core": core},
        partition_key=partition_key,
        tags=dict(tags),
        run_config=run_config,
        raise_on_error=False,
    )


def settle(
    core: Core, *, instance: dg.DagsterInstance, by_hand: bool = False, **config: Any
) -> dg.ExecuteInProcessResult:
    """Settle the date of these tests; `config` is what a person fills in in the launchpad."""
    return run_job(
        "settle_due_payables",
        core,
        instance=instance,
        partition_key=DUE_ON,
        tags={} if by_hand else SCHEDULED,
        run_config={"ops": {"settlement": {"config": config}}},
    )


DUE_ON = "2026-04-09"
"""30 days after the builders' NOON."""


def ended_as_cancelled(instance: dg.DagsterInstance, run: Callable[[], object]) -> str:
    """Run a job that must end as cancelled, and return what it says."""
    with suppress(dg.DagsterExecutionInterruptedError):
        run()
    newest = instance.get_runs(limit=1)[0]
    assert newest.status is dg.DagsterRunStatus.CANCELED
    said = [entry.get_dagster_event() for entry in instance.all_logs(newest.run_id) if entry.is_dagster_event]
    return next(event.message or "" for event in said if event.event_type_value == "PIPELINE_CANCELING")


def failure_of(result: dg.ExecuteInProcessResult) -> str:
    """Return what the run's first failed step says."""
    [event, *_] = [event for event in result.all_events if event.is_step_failure]
    failure = event.step_failure_data.user_failure_data
    return (failure.description if failure else None) or str(event.step_failure_data.error)


def metadata_of(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, dict[str, Any]]:
    """Return what the run shows of the asset, by partition."""
    return {
        event.partition or "": {name: value.value for name, value in event.materialization.metadata.items()}
        for event in result.get_asset_materialization_events()
        if event.asset_key == dg.AssetKey(asset)
    }


def checks_of(result: dg.ExecuteInProcessResult) -> dict[str, bool]:
    return {evaluation.check_name: evaluation.passed for evaluation in result.get_asset_check_evaluations()}
