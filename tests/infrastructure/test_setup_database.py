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

from psp_core.adapters.postgres.migrate import migrate
from psp_core.local_stack.ports import free_port
from psp_core.local_stack.postgres import THROWAWAY_SETTINGS, EmbeddedPostgres

SCRIPT = Path(__file__).parents[2] / "infrastructure" / "bin" / "setup_database.py"


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


def set_up(administrator: connection, vault: Vault, *, application: str) -> None:
    script: dict[str, Any] = runpy.run_path(str(SCRIPT))
    script["set_up"](
        administrator,
        application=application,
        dagster="dagster",
        put=vault.put,
        has_value=vault.__contains__,
    )


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
        migrate(url.difference_update_query(["sslmode"]).render_as_string(hide_password=False))

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
