"""What the pipeline tests do over and over: post, drain, and materialize in this process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg

from psp_core.bootstrap import Core
from psp_pipelines.definitions import definitions
from tests.builders import a_new_transaction, a_submission


def enqueue(core: Core, *amounts: int, customer_id: str = "merchant-1", installments: int = 1) -> None:
    rows = [
        a_new_transaction(customer_id=customer_id, amount_minor=amount, installments=installments) for amount in amounts
    ]
    core.accept_transactions([a_submission(*rows)])
    core.keep_relaying().run_until_empty()


def run_job(
    name: str,
    core: Core,
    *,
    instance: dg.DagsterInstance,
    partition_key: str | None = None,
    tags: Mapping[str, str] | None = None,
    run_config: Mapping[str, Any] | None = None,
) -> dg.ExecuteInProcessResult:
    """Run a job as it is defined, but with this test's core."""
    job = definitions.resolve_job_def(name)
    return job.execute_in_process(
        instance=instance,
        resources={"core": core},
        partition_key=partition_key,
        tags=tags,
        run_config=run_config,
        raise_on_error=False,
    )
