"""Indexes and constraints beside merchants who read and write: use these in migrations, never a plain CREATE INDEX.

They run outside of a transaction, so each may be repeated after it was killed half-way.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import op
from sqlalchemy import Connection

_IS_VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)"


def create_index(name: str, on: str) -> None:
    """Build the index `on` a table and its columns, unless it is there."""
    with _between_commits() as connection:
        _build(connection, name, on)


def replace_index(name: str, on: str, *, unique: bool = False) -> None:
    """Build the index anew with another definition; the old one serves until it is there."""
    successor = f"{name}_successor"
    with _between_commits() as connection:
        _build(connection, successor, on, unique=unique)
        connection.exec_driver_sql(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        connection.exec_driver_sql(f"ALTER INDEX {successor} RENAME TO {name}")


def replace_check(table: str, name: str, condition: str) -> None:
    """Let another condition take the place of a table's check: a wider one, which every row of before meets."""
    successor = f"{name}_successor"
    context = op.get_context()
    with context.autocommit_block():
        connection = op.get_bind()
        # New rows are held by both until the old ones are looked through, which keeps nobody from writing.
        if not connection.exec_driver_sql(_HAS_CHECK, (table, successor)).scalar_one():
            connection.exec_driver_sql(f"ALTER TABLE {table} ADD CONSTRAINT {successor} CHECK ({condition}) NOT VALID")
        connection.exec_driver_sql(f"ALTER TABLE {table} VALIDATE CONSTRAINT {successor}")
        connection.exec_driver_sql(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}")
        connection.exec_driver_sql(f"ALTER TABLE {table} RENAME CONSTRAINT {successor} TO {name}")


def replace_unique(table: str, name: str, columns: str) -> None:
    """Let a unique constraint be of other `columns` under its old name, by which statements of before know it."""
    successor = f"{name}_successor"
    with _between_commits() as connection:
        if columns in (connection.exec_driver_sql(_DEFINITION, (name,)).scalar_one_or_none() or ""):
            return
        _build(connection, successor, f"{table} {columns}", unique=True)
    with op.get_context().autocommit_block():
        # Renames the index, and reads no row; whoever waits for this waits no longer than a lock may take.
        op.get_bind().exec_driver_sql(
            f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name},"
            f" ADD CONSTRAINT {name} UNIQUE USING INDEX {successor}"
        )


def validate_constraint(name: str, *, on: str) -> None:
    """Look for rows of a table that break a constraint that was added as NOT VALID; nobody waits for that."""
    with _between_commits() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {on} VALIDATE CONSTRAINT {name}")


def _build(connection: Connection, name: str, on: str, *, unique: bool = False) -> None:
    is_valid = connection.exec_driver_sql(_IS_VALID, (name,)).scalar_one_or_none()
    if is_valid:
        return
    if is_valid is False:
        # One that was killed half-way; nobody reads it, and every write pays for it.
        connection.exec_driver_sql(f"DROP INDEX CONCURRENTLY {name}")
    kind = "UNIQUE INDEX" if unique else "INDEX"
    connection.exec_driver_sql(f"CREATE {kind} CONCURRENTLY {name} ON {on}")


_DEFINITION = "SELECT pg_get_indexdef(to_regclass(%s))"
_HAS_CHECK = "SELECT EXISTS (SELECT FROM pg_constraint WHERE conrelid = to_regclass(%s) AND conname = %s)"


@contextmanager
def _between_commits() -> Iterator[Connection]:
    context = op.get_context()
    with context.autocommit_block():
        connection = op.get_bind()
        # It waits for older transactions, and while it waits nobody waits for it.
        before = connection.exec_driver_sql("SHOW lock_timeout").scalar_one()
        connection.exec_driver_sql("SET lock_timeout = 0")
        try:
            yield connection
        finally:
            connection.exec_driver_sql(f"SET lock_timeout = '{before}'")
