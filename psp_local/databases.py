"""The embedded server's databases, and the login with which each of the platform's programs connects to them.

The cluster's superuser is the launcher's alone. Every other password is derived from its one, so that a folder of an
earlier version needs nothing more, and no program gets from its own password to another's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Literal

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection
from sqlalchemy import URL, make_url

from psp_core.adapters.postgres.schema.logins import Login, derived_password, hand_over, set_password, set_up_logins
from psp_local.postgres import EmbeddedPostgres

DATABASE, DAGSTER_DATABASE = "psp", "dagster"
OWNER, DAGSTER = "psp_owner", "dagster"
ProgramKind = Literal["api", "pipelines", "webserver", "dagster", "migration", "terminal"]


@dataclass(frozen=True, slots=True)
class DatabaseLogins:
    """Who connects to the platform's database as whom."""

    url: URL
    """The database, whoever connects."""

    secret: str | None
    """The embedded cluster's; None for a server of somebody else's, where `url` is everybody's."""

    def url_of(self, name: str) -> URL:
        if self.secret is None:
            return self.url
        return self.url.set(username=name, password=derived_password(self.secret, name))

    def environment(self, program: ProgramKind, *, shared: Mapping[str, str]) -> dict[str, str]:
        """Return what the program is told: of the databases' addresses and passwords, its own alone."""
        if self.secret is None:
            return dict(shared)
        told = {name: value for name, value in shared.items() if not _is_a_database_url(name)}
        if program in ("api", "migration"):
            told = {name: value for name, value in told.items() if not name.startswith("DAGSTER_PG_")}
        return told | self.variables(program)

    def variables(self, program: ProgramKind) -> dict[str, str]:
        """Return the settings by which the program connects."""
        if self.secret is None:
            return {"PSP_DATABASE_URL": self.url.render_as_string(hide_password=False)}
        names: dict[ProgramKind, dict[str, str]] = {
            "api": {"": Login.API, "READ_": Login.READS, "RELAY_": Login.RELAY},
            "pipelines": {"": Login.RUNS},
            "webserver": {"": Login.WEBSERVER},
            "dagster": {},
            "migration": {"": OWNER},
            "terminal": {"": Login.OPERATOR, "RELAY_": Login.RELAY, "MIGRATION_": OWNER},
        }
        return {
            f"PSP_{part}DATABASE_URL": self.url_of(name).render_as_string(hide_password=False)
            for part, name in names[program].items()
        }


def embedded_logins(postgres: EmbeddedPostgres) -> DatabaseLogins:
    """Return the logins of the embedded server, which must have been started once."""
    return DatabaseLogins(make_url(postgres.url(DATABASE)), postgres.password)


def prepare_databases(postgres: EmbeddedPostgres) -> None:
    """Make both databases, their owners and every login, unless they exist; hand over what the superuser owned."""
    logins = embedded_logins(postgres)
    for database, owner in ((DATABASE, OWNER), (DAGSTER_DATABASE, DAGSTER)):
        postgres.create_database(database)
        with _superuser(postgres, database) as superuser:
            with superuser.cursor() as cursor:
                set_password(cursor, owner, derived_password(postgres.password, owner))
                cursor.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(database)))
            hand_over(superuser, owner=owner)
    with _superuser(postgres, DATABASE) as superuser:
        passwords = {login: str(logins.url_of(login).password) for login in Login}
        set_up_logins(superuser, database=DATABASE, owner=OWNER, passwords=passwords)


@contextmanager
def _superuser(postgres: EmbeddedPostgres, database: str) -> Iterator[connection]:
    url = make_url(postgres.url(database))
    session = psycopg2.connect(host=url.host, port=url.port, user=url.username, password=url.password, dbname=database)
    with closing(session):
        session.autocommit = True
        yield session


def _is_a_database_url(name: str) -> bool:
    return name.startswith("PSP_") and name.endswith("DATABASE_URL")
