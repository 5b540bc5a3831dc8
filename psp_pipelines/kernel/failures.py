"""How an asset fails: for good and with its sentence when the core refuses, again after a while when it may pass."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn
from uuid import UUID

import dagster as dg

from psp_core.domain.kernel.errors import (
    BooksDoNotBalance,
    DomainError,
    HoldLost,
    QueueUnavailable,
    SettlementInProgress,
    StorageUnavailable,
)

RETRIES_MAX = 3


def sentence_of(failure: BaseException) -> str:
    """Return what an operator should read: a refusal's own sentence, or a bug's kind and first line."""
    if isinstance(failure, DomainError):
        return str(failure)
    return ": ".join([type(failure).__name__, *str(failure).splitlines()[:1]])


def told_by(event: dg.DagsterEvent) -> str:
    """Return what a step's failure says: the sentence it was given, or the first line of what was raised in it."""
    failure = event.step_failure_data
    if failure.user_failure_data is not None and failure.user_failure_data.description:
        return failure.user_failure_data.description
    error = failure.error
    while error is not None and error.cause is not None:
        error = error.cause
    return next(iter(error.message.strip().splitlines()), "no message") if error else "no message"


def end_as_cancelled(context: dg.OpExecutionContext | dg.AssetExecutionContext, sentence: str) -> NoReturn:
    """End the run as Terminate does: it is cancelled, which is no failure, and nobody is told."""
    context.log.error(sentence)
    context.instance.report_run_canceling(context.run, message=sentence)
    raise dg.DagsterExecutionInterruptedError(sentence)


def id_in(value: str, *, field: str) -> UUID:
    """Return the id that a person wrote into a field of a form, or end the run, which is not tried again."""
    try:
        return UUID(value)
    except ValueError as refusal:
        raise dg.Failure(f"{field}: {value!r} is no id", allow_retries=False) from refusal


@contextmanager
def refusals_end_the_run() -> Iterator[None]:
    """Turn a refusal into a failure that is not retried.

    An outage may pass, see `tried_again`; an imbalance is for the asset's check to show; what another run has in
    hand is no failure.
    """
    try:
        yield
    except (StorageUnavailable, QueueUnavailable, BooksDoNotBalance, SettlementInProgress, HoldLost):
        raise
    except DomainError as refusal:
        raise dg.Failure(str(refusal), allow_retries=False) from refusal


@contextmanager
def tried_again(context: dg.AssetExecutionContext, *, first_delay_s: float) -> Iterator[None]:
    """Try the step again, three times at most and after twice as long each time, whatever failed but a refusal.

    The last failure is told as it is, whichever that was.

    Dagster's RetryPolicy would do the same, and, in a run that is one process, try a step again that was terminated.
    """
    try:
        yield
    except dg.Failure:
        raise
    except Exception as failure:
        if context.retry_number >= RETRIES_MAX:
            # Dagster would say "Exceeded max_retries", and nothing of what happened.
            raise dg.Failure(sentence_of(failure), allow_retries=False) from failure
        delay_s = first_delay_s * 2**context.retry_number
        raise dg.RetryRequested(max_retries=RETRIES_MAX, seconds_to_wait=delay_s) from failure
