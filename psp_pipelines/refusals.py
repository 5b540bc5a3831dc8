"""How a refusal of the core ends a step: with its sentence, and for good."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from psp_core.domain.errors import DomainError, QueueUnavailable, StorageUnavailable

OUTAGES = (StorageUnavailable, QueueUnavailable)


@contextmanager
def refusals_end_the_run() -> Iterator[None]:
    """Turn a refusal into a failure that is not retried; an outage may pass and is left to the retry policy."""
    try:
        yield
    except OUTAGES:
        raise
    except DomainError as refusal:
        raise dg.Failure(str(refusal), allow_retries=False) from refusal
