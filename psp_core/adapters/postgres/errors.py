"""What the database's failures are called inside."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import InterfaceError, OperationalError, TimeoutError

from psp_core.domain.kernel.errors import StorageUnavailable


@contextmanager
def storage_errors() -> Iterator[None]:
    """Turn what an unreachable or overloaded database raises into StorageUnavailable."""
    try:
        yield
    except (OperationalError, InterfaceError, TimeoutError) as error:
        raise StorageUnavailable("the database did not answer in time") from error
