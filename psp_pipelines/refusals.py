"""How a refusal of the core ends a step: with its sentence, and for good."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from psp_core.domain.errors import BooksDoNotBalance, DomainError, QueueUnavailable, StorageUnavailable


@contextmanager
def refusals_end_the_run() -> Iterator[None]:
    """Turn a refusal into a failure that is not retried.

    An outage may pass and is left to the retry policy; an imbalance is for the asset's check to show.
    """
    try:
        yield
    except (StorageUnavailable, QueueUnavailable, BooksDoNotBalance):
        raise
    except DomainError as refusal:
        raise dg.Failure(str(refusal), allow_retries=False) from refusal
