from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from psp_local.ports import LOOPBACK, free_port
from tests.local_stack import owners
from tests.local_stack.owners import end, read_line, start_owner

_NEEDED = ("workspace.yaml", "dagster.yaml", "psp_api/gunicorn_conf.py")
_REPLACEABLE = ("PSP_DATABASE_URL", "PSP_SQS_ENDPOINT_URL", "PSP_SQS", "PSP_DATA_DIR")


@pytest.fixture(autouse=True)
def _own_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("API", "WEB", "POSTGRES", "SQS"):
        monkeypatch.setenv(f"PSP_{name}_PORT", str(free_port()))
    for name in _REPLACEABLE:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Path]:
    """A folder that the stack takes for the repository; no program of the platform can start in it."""
    (tmp_path / "psp_api").mkdir()
    for name in _NEEDED:
        (tmp_path / name).touch()
    yield tmp_path
    shutil.rmtree((tmp_path / ".psp" / "postgres").resolve(), ignore_errors=True)


def _refusal(root: Path) -> str:
    """Start the stack, which fails, and return the one sentence that it says."""
    ended = subprocess.run(
        [sys.executable, owners.__file__, "stack", str(root), "0"],
        env=owners.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 1
    sentences = ended.stderr.strip().splitlines()
    assert len(sentences) == 1, ended.stderr
    return sentences[0]


class TestRunStack:
    def test_says_where_it_has_to_be_started(self, tmp_path: Path) -> None:
        assert "top folder" in _refusal(tmp_path)

    def test_says_that_a_time_zone_is_none(self, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PSP_TIME_ZONE", "Brazil/Sao_Paulo")

        assert "PSP_TIME_ZONE: 'Brazil/Sao_Paulo' is no time zone" in _refusal(repository)

    def test_says_who_holds_the_port_of_the_api(self, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        with socket.create_server((LOOPBACK, free_port())) as server:
            port = server.getsockname()[1]
            monkeypatch.setenv("PSP_API_PORT", str(port))

            sentence = _refusal(repository)

        assert f"Port {port}" in sentence
        assert f"(pid {os.getpid()})" in sentence
        assert "PSP_API_PORT=" in sentence

    def test_says_that_a_given_database_cannot_be_reached(
        self, repository: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PSP_DATABASE_URL", f"postgresql://psp:secret@{LOOPBACK}:{free_port()}/psp")
        monkeypatch.setenv("PSP_SQS", "aws")

        sentence = _refusal(repository)

        assert "PSP_DATABASE_URL" in sentence
        assert "secret" not in sentence

    def test_says_that_it_runs_already(self, repository: Path) -> None:
        first = start_owner("stack", repository)
        read_line(first, containing="starting postgres")

        sentence = _refusal(repository)

        end(first)
        assert f"already running in {repository / '.psp'} (pid {first.pid})" in sentence

    def test_ends_on_ctrl_c_while_it_is_starting(self, repository: Path) -> None:
        starting = start_owner("stack", repository)
        read_line(starting, containing="starting postgres")

        starting.send_signal(signal.SIGINT)

        assert starting.wait(timeout=60) == 0
        end(starting)


class TestACommandOfAStackThatIsStopped:
    @pytest.mark.parametrize("command", [["check-books"], ["fee-plans", "show", "m"], ["keys", "list"], ["drain"]])
    @pytest.mark.parametrize("has_loaded_the_file", [False, True])
    def test_says_to_type_make(self, repository: Path, command: list[str], has_loaded_the_file: bool) -> None:
        (repository / ".psp").mkdir()
        database = f"postgresql+psycopg2://psp:secret@{LOOPBACK}:{free_port()}/psp"
        file = f"export PSP_DATABASE_URL={database}\nexport PSP_STACK_EMBEDDED=PSP_DATABASE_URL\n"
        (repository / ".psp" / "env").write_text(file)
        loaded = {"PSP_DATABASE_URL": database} if has_loaded_the_file else {}

        ended = _psp(repository, *command, **loaded)

        assert ended.returncode == 1
        assert ended.stderr == f"Error: the stack in {repository / '.psp'} is stopped: type `make` to start it\n"

    def test_says_so_after_its_supervisor_was_killed(self, repository: Path) -> None:
        stack = start_owner("stack", repository)
        read_line(stack, containing="bringing the database")
        running = _psp(repository, "check-books")

        end(stack)

        assert "is stopped" not in running.stderr
        assert "type `make`" in _psp(repository, "check-books").stderr

    def test_goes_on_with_another_database(self, repository: Path) -> None:
        (repository / ".psp").mkdir()
        file = (
            "export PSP_DATABASE_URL=postgresql://its:own@127.0.0.1:1/psp\nexport PSP_STACK_EMBEDDED=PSP_DATABASE_URL\n"
        )
        (repository / ".psp" / "env").write_text(file)

        other = f"postgresql+psycopg2://psp:secret@{LOOPBACK}:{free_port()}/psp"

        assert "did not answer" in _psp(repository, "check-books", PSP_DATABASE_URL=other).stderr


def _psp(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).parent / "psp", *arguments],
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
