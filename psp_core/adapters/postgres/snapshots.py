"""Reading many things of one moment in Postgres, while others write."""

from __future__ import annotations

from sqlalchemy import Connection


def freeze(connection: Connection) -> None:
    """Let all that follows in the commit be of one snapshot, and write nothing; its first statement."""
    connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
