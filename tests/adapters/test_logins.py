from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor

import psycopg2
import pytest
from click.testing import CliRunner

from psp_core.adapters.postgres.logins import ROLES, Login
from psp_core.adapters.postgres.migrate import migrate
from psp_core.cli import commands
from psp_core.local_stack.ports import free_port
from psp_core.local_stack.postgres import THROWAWAY_SETTINGS, EmbeddedPostgres
from tests.folders import open_folder
from tests.logins import connect, make_logins, url_of

DATABASES = [f"psp_{number}" for number in range(6)]


@pytest.fixture
def cluster() -> Iterator[EmbeddedPostgres]:
    """A server of its own: roles belong to all databases of one."""
    with (
        open_folder() as folder,
        EmbeddedPostgres(folder / "postgres", free_port(), settings=THROWAWAY_SETTINGS) as server,
    ):
        yield server


def set_up(url: str) -> None:
    make_logins(url)
    migrate(url)
    make_logins(url)


def at_once(work: Callable[[str], None], urls: Sequence[str]) -> None:
    # Processes: alembic keeps what it is about in globals.
    with ProcessPoolExecutor(len(urls), mp_context=multiprocessing.get_context("spawn")) as pool:
        list(pool.map(work, urls))


class TestLogins:
    def test_are_made_by_the_databases_of_one_cluster_at_the_same_time(self, cluster: EmbeddedPostgres) -> None:
        for name in DATABASES:
            cluster.create_database(name)

        at_once(set_up, [cluster.url(name) for name in DATABASES])

        for name in DATABASES:
            for login in Login:
                connect(url_of(login, cluster.url(name))).close()

    def test_are_made_by_the_migrations_of_one_cluster_at_the_same_time(self, cluster: EmbeddedPostgres) -> None:
        for name in DATABASES:
            cluster.create_database(name)

        at_once(migrate, [cluster.url(name) for name in DATABASES])

        with connect(cluster.url()) as session, session.cursor() as cursor:
            cursor.execute("SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)", (list(ROLES),))
            assert {name for (name,) in cursor.fetchall()} == set(ROLES)
        session.close()


class TestSetLogins:
    def run(self, cluster: EmbeddedPostgres, **passwords: str) -> str:
        environment = {"PSP_ADMINISTRATOR_DATABASE_URL": cluster.url("psp"), **passwords}
        result = CliRunner().invoke(commands, ["set-logins"], env=environment)
        assert result.exit_code == (0 if passwords else 1), result.output
        return result.output

    def test_lets_a_program_in_with_the_password_that_was_set_last(self, cluster: EmbeddedPostgres) -> None:
        cluster.create_database("psp")

        said = self.run(cluster, PSP_LOGIN_API_PASSWORD="first", PSP_LOGIN_RUNS_PASSWORD="of-the-runs")
        self.run(cluster, PSP_LOGIN_API_PASSWORD="second")

        for user, password in ((Login.API, "second"), (Login.RUNS, "of-the-runs")):
            psycopg2.connect(host="127.0.0.1", port=cluster.port, user=user, password=password, dbname="psp").close()
        with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
            psycopg2.connect(host="127.0.0.1", port=cluster.port, user=Login.API, password="first", dbname="psp")
        assert "first" not in said

    def test_says_which_passwords_it_looks_for(self, cluster: EmbeddedPostgres) -> None:
        cluster.create_database("psp")

        assert "PSP_LOGIN_API_PASSWORD" in self.run(cluster)
