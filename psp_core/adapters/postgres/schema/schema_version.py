"""Tell whether a database has the schema that this program needs, without loading what migrates it.

Loading alembic takes a second on a busy machine: the first probe of each API process would find the database down.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from sqlalchemy import Connection

_VERSIONS = Path(__file__).parent / "migrations" / "versions"
_FILE = re.compile(r"m(\d{4})_\w{1,100}\.py")


def is_current(connection: Connection) -> bool:
    """Tell whether the database is at the newest revision that this program knows, or past it.

    Past it is well: while a new version is rolled out, the old one goes on with the new schema.
    """
    # Null where there is no such table; no right to it is older than the roles' migration.
    readable = "SELECT has_table_privilege(to_regclass('alembic_version'), 'SELECT')"
    if not connection.exec_driver_sql(readable).scalar_one():
        return False
    revision = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one_or_none()
    return revision is not None and revision not in known_revisions()[:-1]


@cache
def known_revisions() -> tuple[str, ...]:
    """Return the revisions of all migrations, oldest first: a migration's file begins with its own."""
    return tuple(sorted(match[1] for path in _VERSIONS.iterdir() if (match := _FILE.fullmatch(path.name))))
