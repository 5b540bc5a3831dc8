from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg2
import pytest
from psycopg2 import errors

from psp_core.adapters.postgres.schema.logins import Login
from psp_core.adapters.postgres.schema.migrate import migrate
from psp_core.bootstrap import build_core
from psp_core.settings import Settings
from psp_local.databases import (
    DAGSTER,
    DAGSTER_DATABASE,
    OWNER,
    DatabaseLogins,
    ProgramKind,
    embedded_logins,
    prepare_databases,
)
from psp_local.ports import free_port
from psp_local.postgres import SUPERUSER, THROWAWAY_SETTINGS, EmbeddedPostgres
from tests.builders import SettableClock, a_new_transaction, a_submission
from tests.folders import open_folder
from tests.logins import connect
from tests.reach import postgres

OWNED_BY = """
SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relowner = %s::regrole
UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proowner = %s::regrole
    -- An extension's functions are the cluster's, whoever made the extension.
    AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = pg_proc.oid AND deptype = 'e')
UNION ALL SELECT datname FROM pg_database WHERE datname = current_database() AND datdba = %s::regrole
"""


@pytest.fixture
def server() -> Iterator[EmbeddedPostgres]:
    with (
        open_folder() as folder,
        EmbeddedPostgres(folder / "postgres", free_port(), settings=THROWAWAY_SETTINGS) as server,
    ):
        yield server


@pytest.fixture
def older(server: EmbeddedPostgres) -> EmbeddedPostgres:
    """A folder of the version before the logins: everything is the superuser's."""
    for name in ("psp", DAGSTER_DATABASE):
        server.create_database(name)
    migrate(server.url("psp"), revision="0005")
    with connect(server.url(DAGSTER_DATABASE)) as dagster, dagster.cursor() as cursor:
        cursor.execute(
            "CREATE TYPE kind AS ENUM ('a'); CREATE TABLE runs (id serial, kind kind);"
            " CREATE VIEW all_runs AS SELECT * FROM runs"
        )
    dagster.close()
    core = build_core(Settings(database_url=server.url("psp")))
    core.accept_transactions([a_submission(a_new_transaction(customer_id="merchant-1"))])
    core.store.close()
    return server


def owned_by(server: EmbeddedPostgres, database: str, owner: str) -> set[str]:
    with connect(server.url(database)) as superuser, superuser.cursor() as cursor:
        cursor.execute(OWNED_BY, (owner,) * 3)
        found = {name for (name,) in cursor.fetchall()}
    superuser.close()
    return found


def url(logins: DatabaseLogins, name: str) -> str:
    return logins.url_of(name).render_as_string(hide_password=False)


class TestPrepareDatabases:
    def test_takes_over_a_folder_of_an_earlier_version(self, older: EmbeddedPostgres) -> None:
        prepare_databases(older)
        logins = embedded_logins(older)
        migrate(url(logins, OWNER))
        prepare_databases(older)

        for database, owner in (("psp", OWNER), (DAGSTER_DATABASE, DAGSTER)):
            assert owned_by(older, database, SUPERUSER) == set()
            assert database in owned_by(older, database, owner)
        core = build_core(
            Settings(
                database_url=url(logins, Login.API),
                read_database_url=url(logins, Login.READS),
                relay_database_url=url(logins, Login.RELAY),
            )
        )
        core.accept_transactions([a_submission(a_new_transaction(customer_id="merchant-1"))])
        with postgres(core.store).read_as("merchant-1") as work:
            assert work.connection.exec_driver_sql("SELECT count(*) FROM transactions").scalar_one() == 2
        core.store.close()

    def test_keeps_the_platforms_programs_out_of_dagsters_database(self, server: EmbeddedPostgres) -> None:
        prepare_databases(server)
        logins = embedded_logins(server)

        for login in Login:
            connect(url(logins, login)).close()
            with pytest.raises(psycopg2.OperationalError, match="permission denied"):
                connect(logins.url_of(login).set(database=DAGSTER_DATABASE).render_as_string(hide_password=False))
        with pytest.raises(psycopg2.OperationalError, match="permission denied"):
            connect(url(logins, DAGSTER))

    def test_lets_the_owner_do_everything_alone_after_the_migration(self, server: EmbeddedPostgres) -> None:
        """As where every program still has one login, which is no superuser's."""
        prepare_databases(server)
        owner = url(embedded_logins(server), OWNER)
        migrate(owner)
        core = build_core(Settings(database_url=owner))

        core.accept_transactions([a_submission(a_new_transaction(customer_id="merchant-1"))])

        assert core.relay_outbox.store is core.store
        with core.store.begin() as work:
            assert work.outbox.depth(now=core.clock.now()).entries == 1
        with postgres(core.store).read_as("merchant-1") as work:
            assert work.connection.exec_driver_sql("SELECT count(*) FROM transactions").scalar_one() == 1
        with core.store.begin() as work:
            [entry] = work.outbox.claim(limit=1)
        assert core.create_payables(entry.transaction_ids).created == 1
        with connect(owner) as session, session.cursor() as cursor:
            cursor.execute("SELECT due_on FROM payables")
            [(due_on,)] = cursor.fetchall()
        session.close()
        later = replace(core, clock=SettableClock(datetime.now(UTC) + timedelta(days=40)))
        assert later.settle_payables(due_on=due_on).settled
        core.check_books.require()
        core.store.close()
        with pytest.raises(errors.InsufficientPrivilege), connect(owner) as session, session.cursor() as cursor:
            cursor.execute("CREATE ROLE mine")


class TestDatabaseLogins:
    def test_tell_each_program_its_own_alone(self, server: EmbeddedPostgres) -> None:
        logins = embedded_logins(server)
        shared = {
            "PSP_DATABASE_URL": "of-the-terminal",
            "PSP_MIGRATION_DATABASE_URL": "of-the-owner",
            "DAGSTER_PG_PASSWORD": "of-dagster",
            "PSP_API_BIND": "127.0.0.1:3000",
        }

        kinds: tuple[ProgramKind, ...] = ("api", "pipelines", "webserver", "dagster", "migration")
        told = {kind: logins.environment(kind, shared=shared) for kind in kinds}

        for environment in told.values():
            assert not {"of-the-terminal", "of-the-owner"} & set(environment.values())
            assert server.password not in " ".join(environment.values())
            assert environment["PSP_API_BIND"] == "127.0.0.1:3000"
        assert ["DAGSTER_PG_PASSWORD" in told[kind] for kind in told] == [False, True, True, True, False]
        assert "PSP_DATABASE_URL" not in told["dagster"]
        passwords = [told[kind]["PSP_DATABASE_URL"] for kind in kinds if kind != "dagster"]
        assert len(set(passwords)) == 4

    def test_tell_everybody_the_one_address_of_somebody_elses_server(self, server: EmbeddedPostgres) -> None:
        logins = DatabaseLogins(embedded_logins(server).url, secret=None)
        shared = {"PSP_DATABASE_URL": "theirs", "PSP_READ_DATABASE_URL": "their-replica"}

        assert logins.environment("api", shared=shared) == shared
