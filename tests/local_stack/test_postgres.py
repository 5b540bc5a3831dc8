from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from psp_local import LocalStackError
from psp_local.ports import LOOPBACK, free_port
from psp_local.postgres import THROWAWAY_SETTINGS, EmbeddedPostgres
from psp_local.supervision.processes import wait_until
from psp_local.unprivileged import server_account
from tests.local_stack.owners import end, read_line, start_owner

_IS_ROOT = os.geteuid() == 0
_REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder below one that only we can enter, as pytest makes them."""
    wanted = tmp_path / "postgres"
    yield wanted
    shutil.rmtree(wanted.resolve())


@pytest.fixture(scope="module")
def durable_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(tmp_path_factory.mktemp("durable") / "postgres", free_port()) as server:
        yield server
    shutil.rmtree(server.data_folder)


@pytest.fixture
def postgres(durable_server: EmbeddedPostgres) -> EmbeddedPostgres:
    """A running server with the settings of the stack, whatever the test before did to it."""
    if not durable_server.is_ready():
        durable_server.start()
    _sql(durable_server, "DROP TABLE IF EXISTS kept")
    _sql(durable_server, "DROP DATABASE IF EXISTS books")
    return durable_server


def _sql(server: EmbeddedPostgres, statement: str, *, database: str = "postgres") -> list[object]:
    engine = create_engine(server.url(database), isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            result = connection.execute(text(statement))
            return list(result.scalars()) if result.returns_rows else []
    finally:
        engine.dispose()


def _interpreter_for(user: pwd.struct_passwd) -> str:
    """Return a Python of this version that the user may run; ours may lie in root's home."""
    candidates = [sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"]
    for python in candidates:
        try:
            subprocess.run([python, "-c", ""], user=user.pw_uid if _IS_ROOT else None, check=True, cwd="/")
        except (OSError, subprocess.CalledProcessError):
            continue
        return python
    pytest.skip(f"the user {user.pw_name} can run none of {candidates}")


def _installed() -> list[str]:
    return [path for path in sys.path if path.endswith("site-packages")]


class TestEmbeddedPostgres:
    def test_keeps_its_data_when_it_is_stopped_and_started(self, postgres: EmbeddedPostgres) -> None:
        postgres.create_database("books")
        _sql(postgres, "CREATE TABLE kept AS SELECT 7 AS number", database="books")

        postgres.stop()
        postgres.start()

        assert _sql(postgres, "SELECT number FROM kept", database="books") == [7]

    def test_creates_a_database_that_exists_only_once(self, postgres: EmbeddedPostgres) -> None:
        postgres.create_database("books")
        postgres.create_database("books")

        assert _sql(postgres, "SELECT count(*) FROM pg_database WHERE datname = 'books'") == [1]

    def test_sorts_by_code_point_in_utf_8_and_counts_in_utc(self, postgres: EmbeddedPostgres) -> None:
        assert _sql(postgres, "SELECT datlocale FROM pg_database WHERE datname = 'postgres'") == ["C.UTF-8"]
        assert _sql(postgres, "SHOW timezone") == ["UTC"]

    def test_lets_nobody_in_without_the_password(self, postgres: EmbeddedPostgres) -> None:
        engine = create_engine(postgres.url().replace(postgres.password, "guess"))

        with pytest.raises(OperationalError, match="password authentication failed"):
            engine.connect()

    def test_keeps_its_folder_to_itself(self, postgres: EmbeddedPostgres) -> None:
        owner = server_account(postgres.data_folder).pw_uid

        assert stat.S_IMODE(postgres.data_folder.stat().st_mode) == 0o700
        assert postgres.data_folder.stat().st_uid == owner
        assert stat.S_IMODE((postgres.data_folder / "password").stat().st_mode) == 0o600

    def test_recovers_every_row_after_the_postmaster_was_killed(self, postgres: EmbeddedPostgres) -> None:
        _sql(postgres, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS number")
        assert postgres.process is not None

        os.kill(postgres.process.pid, signal.SIGKILL)
        postgres.start()

        assert _sql(postgres, "SELECT count(*) FROM kept") == [1000]

    def test_starts_although_its_lock_file_names_a_stranger(self, postgres: EmbeddedPostgres) -> None:
        lock_file = postgres.data_folder / "data" / "postmaster.pid"
        account = server_account(postgres.data_folder)
        left_behind = lock_file.read_text()
        postgres.stop()
        with subprocess.Popen(["/bin/sleep", "1000"], user=account.pw_uid if _IS_ROOT else None) as stranger:
            lock_file.write_text("\n".join([str(stranger.pid), *left_behind.splitlines()[1:], ""]))
            shutil.chown(lock_file, account.pw_uid)

            postgres.start()

            assert stranger.poll() is None
            stranger.kill()

    def test_is_created_again_when_its_creation_was_cut_short(self, postgres: EmbeddedPostgres) -> None:
        postgres.stop()
        (postgres.data_folder / "data").rename(postgres.data_folder / "unfinished")

        postgres.start()

        assert _sql(postgres, "SELECT 1") == [1]

    def test_leaves_the_data_of_a_running_server_alone(self, postgres: EmbeddedPostgres) -> None:
        second = EmbeddedPostgres(postgres.data_folder, free_port(), settings=THROWAWAY_SETTINGS)

        with pytest.raises(LocalStackError, match="Another Postgres"):
            second.start()

        assert _sql(postgres, "SELECT 1") == [1]

    def test_says_who_holds_its_port(self, folder: Path) -> None:
        with socket.create_server((LOOPBACK, free_port())) as server:
            embedded = EmbeddedPostgres(folder, server.getsockname()[1], settings=THROWAWAY_SETTINGS)

            with pytest.raises(LocalStackError, match=rf"in use by .*\(pid {os.getpid()}\)"):
                embedded.start()

    def test_says_why_it_did_not_start(self, folder: Path) -> None:
        embedded = EmbeddedPostgres(folder, free_port(), settings={"shared_buffers": "plenty"})

        with pytest.raises(LocalStackError, match="shared_buffers"):
            embedded.start()


class TestItsOwner:
    def test_takes_it_down_cleanly_when_killed(self, folder: Path) -> None:
        port = free_port()
        owner = start_owner("postgres", folder, port)
        read_line(owner, containing="ready")
        embedded = EmbeddedPostgres(folder, port, settings=THROWAWAY_SETTINGS)
        _sql(embedded, "CREATE TABLE kept AS SELECT 7 AS number")

        end(owner)

        with embedded:
            assert _sql(embedded, "SELECT number FROM kept") == [7]
        log = (folder / "postgres.log").read_text()
        assert "database system was interrupted" not in log
        assert log.count("database system is shut down") == 2

    def test_may_be_an_ordinary_user(self) -> None:
        nobody = pwd.getpwnam("nobody")
        python = _interpreter_for(nobody)
        with tempfile.TemporaryDirectory() as name:
            place = Path(name)
            if _IS_ROOT:
                shutil.chown(place, nobody.pw_uid, nobody.pw_gid)
            owner = start_owner(
                "postgres",
                place / "postgres",
                free_port(),
                user=nobody.pw_uid if _IS_ROOT else None,
                python=python,
                variables={"HOME": name, "PYTHONPATH": os.pathsep.join([str(_REPOSITORY), *_installed()])},
            )
            try:
                pid = int(read_line(owner, containing="ready").split()[1])
                user = Path(f"/proc/{pid}").stat().st_uid
            finally:
                end(owner)
            assert user == (nobody.pw_uid if _IS_ROOT else os.geteuid())
            assert wait_until(lambda: not Path(f"/proc/{pid}").exists(), timeout_s=30)


@pytest.mark.skipif(not _IS_ROOT, reason="only root becomes another user")
class TestRoot:
    def test_never_runs_postgres_itself(self, postgres: EmbeddedPostgres) -> None:
        assert postgres.process is not None

        assert Path(f"/proc/{postgres.process.pid}").stat().st_uid != 0

    def test_moves_the_data_out_of_a_closed_folder_and_leaves_a_link(self, tmp_path: Path) -> None:
        closed = tmp_path / "closed"
        closed.mkdir(mode=0o700)
        with EmbeddedPostgres(closed / "postgres", free_port(), settings=THROWAWAY_SETTINGS) as embedded:
            assert (closed / "postgres").is_symlink()
            assert embedded.data_folder.is_dir()
            assert not embedded.data_folder.is_relative_to(closed)
        shutil.rmtree(embedded.data_folder)
