"""Tables that nobody else can read or write, and who waits for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import create_engine

from tests.api.server import Api

PATIENT = {
    "PSP_API_STATEMENT_TIMEOUT_S": "60",
    "PSP_API_COMMIT_PATIENCE_S": "60",
    "PSP_API_COMMIT_TIMEOUT_S": "60",
    "PSP_API_READ_TIMEOUT_S": "60",
}
"""For an API that must not give up before the test has ended."""


@contextmanager
def locked(database_url: str, table: str) -> Iterator[None]:
    """Let nobody read or write the table."""
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield
    engine.dispose()


def owners_url(api: Api) -> str:
    """Return the URL of a login that may lock tables, which the API's own may not."""
    return api.core.settings.database_url.get_secret_value()


def waiting_for(database_url: str, text: str) -> list[int]:
    """Return the server processes whose statement has the text in it, and waits for a lock."""
    # A connection of its own each time: within a transaction, pg_stat_activity stays as it was.
    engine = create_engine(database_url)
    query = "SELECT pid FROM pg_stat_activity WHERE state = 'active' AND wait_event_type = 'Lock' AND query LIKE %s"
    with engine.connect() as connection:
        found = list(connection.exec_driver_sql(query, (f"%{text}%",)).scalars())
    engine.dispose()
    return found
