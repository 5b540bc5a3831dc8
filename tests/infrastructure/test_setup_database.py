"""The setup task's script against a real Postgres, as an administrator that is no superuser: such is RDS's."""

from __future__ import annotations

import runpy
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from psycopg2.extensions import connection
from sqlalchemy import make_url

from psp_core.adapters.postgres.schema.logins import Login
from psp_core.adapters.postgres.schema.migrate import migrate
from psp_core.bootstrap import build_core
from psp_core.settings import Settings
from psp_local.ports import free_port
from psp_local.postgres import THROWAWAY_SETTINGS, EmbeddedPostgres
from tests.builders import a_new_transaction, a_submission
from tests.reach import postgres

SCRIPT = Path(__file__).parents[2] / "infrastructure" / "bin" / "setup_database.py"


ADMINISTRATOR = "ADMINISTRATOR_PASSWORD_ARN"


class Vault(dict[str, str]):
    """Secrets by the name of the variable that holds their ARN."""

    def put(self, name: str, value: str) -> None:
        self[name] = value


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """A server of its own: roles belong to all databases of a server."""
    with EmbeddedPostgres(tmp_path / "postgres", free_port(), settings=THROWAWAY_SETTINGS) as server:
        yield server


@pytest.fixture
def administrator(server: EmbeddedPostgres) -> Iterator[connection]:
    with connect(server.url("postgres")) as superuser:
        superuser.autocommit = True
        superuser.cursor().execute("CREATE ROLE psp_admin LOGIN CREATEROLE CREATEDB PASSWORD 'secret'")
    url = make_url(server.url("postgres")).set(username="psp_admin", password="secret")
    administrator = connect(url.render_as_string(hide_password=False))
    yield administrator
    administrator.close()


def connect(url: str) -> connection:
    parsed = make_url(url)
    return psycopg2.connect(
        host=parsed.host, port=parsed.port, user=parsed.username, password=parsed.password, dbname=parsed.database
    )


def without_tls(url: str) -> str:
    return make_url(url).difference_update_query(["sslmode"]).render_as_string(hide_password=False)


def set_up(administrator: connection, vault: Vault, *, application: str) -> None:
    script: dict[str, Any] = runpy.run_path(str(SCRIPT))
    script["set_up"](
        administrator,
        application=application,
        dagster="dagster",
        put=vault.put,
        has_value=vault.__contains__,
    )


class FullVault(Vault):
    """One that takes no administrator's password."""

    def put(self, name: str, value: str) -> None:
        if name == ADMINISTRATOR:
            raise ConnectionError("the vault is away")
        super().put(name, value)


class TestSetUp:
    @pytest.fixture
    def application(self) -> str:
        # The embedded server's superuser has the application's usual name.
        return f"psp_{uuid.uuid4().hex[:8]}"

    def test_lets_the_application_migrate_its_own_database(self, administrator: connection, application: str) -> None:
        vault = Vault()

        set_up(administrator, vault, application=application)

        url = make_url(vault["DATABASE_URL_ARN"])
        assert (url.username, url.database, url.query["sslmode"]) == (application, application, "verify-full")
        migrate(without_tls(vault["DATABASE_URL_ARN"]))

    def test_gives_each_program_a_login_of_its_own(self, administrator: connection, application: str) -> None:
        vault = Vault()

        set_up(administrator, vault, application=application)
        migrate(without_tls(vault["DATABASE_URL_ARN"]))

        urls = {name: make_url(value) for name, value in vault.items() if name.endswith("_DATABASE_URL_ARN")}
        assert {name: url.username for name, url in urls.items()} == {
            f"{login.name}_DATABASE_URL_ARN": login.value for login in Login
        }
        assert len({url.password for url in urls.values()}) == len(Login)
        core = build_core(
            Settings(
                database_url=without_tls(vault["API_DATABASE_URL_ARN"]),
                read_database_url=without_tls(vault["READS_DATABASE_URL_ARN"]),
                relay_database_url=without_tls(vault["RELAY_DATABASE_URL_ARN"]),
            )
        )
        core.accept_transactions([a_submission(a_new_transaction(customer_id="merchant-1"))])
        with postgres(core.store).read_as("merchant-1") as work:
            [row] = work.connection.exec_driver_sql("SELECT customer_id FROM transactions").scalars()
        assert row == "merchant-1"
        core.store.close()

    def test_gives_what_a_new_release_brings_a_password_and_changes_no_other(
        self, administrator: connection, application: str
    ) -> None:
        vault = Vault()
        set_up(administrator, vault, application=application)
        first = dict(vault)
        del vault["RUNS_DATABASE_URL_ARN"]

        set_up(administrator, vault, application=application)

        assert {name for name in first if vault[name] != first[name]} == {"RUNS_DATABASE_URL_ARN", ADMINISTRATOR}
        for name in vault:
            if name.endswith("DATABASE_URL_ARN"):
                connect(vault[name]).close()

    def test_keeps_dagster_out_of_the_application_s_database(
        self, administrator: connection, server: EmbeddedPostgres, application: str
    ) -> None:
        vault = Vault()

        set_up(administrator, vault, application=application)

        url = make_url(server.url("dagster")).set(username="dagster", password=vault["DAGSTER_PASSWORD_ARN"])
        connect(url.render_as_string(hide_password=False)).close()
        with pytest.raises(psycopg2.OperationalError, match="permission denied"):
            connect(url.set(database=application).render_as_string(hide_password=False))

    def test_changes_passwords_but_never_the_pepper_when_run_again(
        self, administrator: connection, application: str
    ) -> None:
        vault = Vault()
        set_up(administrator, vault, application=application)
        first = dict(vault)

        set_up(administrator, vault, application=application)

        assert {name for name in vault if vault[name] == first[name]} == {"API_KEY_PEPPER_ARN"}
        connect(vault["DATABASE_URL_ARN"]).close()

    def test_replaces_the_administrator_s_password_that_somebody_knows(
        self, administrator: connection, server: EmbeddedPostgres, application: str
    ) -> None:
        vault = Vault()

        set_up(administrator, vault, application=application)

        url = make_url(server.url("postgres")).set(username="psp_admin")
        connect(url.set(password=vault[ADMINISTRATOR]).render_as_string(hide_password=False)).close()
        with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
            connect(url.set(password="secret").render_as_string(hide_password=False))

    def test_keeps_the_administrator_s_password_if_no_other_can_be_put_away(
        self, administrator: connection, server: EmbeddedPostgres, application: str
    ) -> None:
        with pytest.raises(ConnectionError):
            set_up(administrator, FullVault(), application=application)

        url = make_url(server.url("postgres")).set(username="psp_admin", password="secret")
        connect(url.render_as_string(hide_password=False)).close()
