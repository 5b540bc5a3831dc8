from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from psp_local.supervision.guard import MARKER_VARIABLE
from psp_local.supervision.processes import marked, wait_until
from psp_local.supervision.program import Program
from tests.local_stack import owners
from tests.local_stack.owners import end, read_line, start_owner

# Two programs, each a shell with two children, one of which is in a session of its own.
_FAMILY_SIZE = 6

StartSupervisor = Callable[[str], tuple[subprocess.Popen[str], str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[StartSupervisor]:
    """Start a supervisor of dummies and return it with the marker of its run."""
    owners = []

    def start_one(kind: str) -> tuple[subprocess.Popen[str], str]:
        owner = start_owner(kind, tmp_path)
        owners.append(owner)
        marker = read_line(owner, containing=MARKER_VARIABLE)
        read_line(owner, containing="ready")
        return owner, marker

    yield start_one
    for owner in owners:
        end(owner)


def _gone(marker: str) -> bool:
    return wait_until(lambda: not marked(marker), timeout_s=30)


def _pid_of(name: str, folder: Path) -> int:
    return int((folder / f"{name}.started").read_text())


def _guards_of(owner: subprocess.Popen[str]) -> list[int]:
    found = psutil.process_iter(["ppid", "cmdline"])
    mine = [process for process in found if process.info["ppid"] == owner.pid]
    return [process.pid for process in mine if "psp_local.supervision.guard" in (process.info["cmdline"] or [])]


class TestSupervisor:
    def test_starts_a_program_again_that_was_killed_and_clears_its_children(
        self, start: StartSupervisor, tmp_path: Path
    ) -> None:
        owner, _ = start("family")
        killed = _pid_of("first", tmp_path)

        os.kill(killed, signal.SIGKILL)

        assert "was killed by SIGKILL" in read_line(owner, containing="first")
        read_line(owner, containing="first is back")
        assert _pid_of("first", tmp_path) != killed
        assert owner.poll() is None

    def test_lets_workers_go_on_when_their_server_dies_and_stops_them_in_the_end(
        self, start: StartSupervisor, tmp_path: Path
    ) -> None:
        owner, marker = start("server")
        worker_file = tmp_path / "worker"
        assert wait_until(lambda: worker_file.exists() and worker_file.stat().st_size > 0, timeout_s=10)
        worker = psutil.Process(int(worker_file.read_text()))

        os.kill(_pid_of("first", tmp_path), signal.SIGKILL)

        read_line(owner, containing="first is back")
        assert worker.is_running()
        owner.send_signal(signal.SIGTERM)
        assert owner.wait(timeout=30) == 0
        assert not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE
        assert marked(marker) == []

    def test_repeats_the_chore_of_a_restart_until_it_succeeds(self, start: StartSupervisor, tmp_path: Path) -> None:
        owner, _ = start("family")

        os.kill(_pid_of("first", tmp_path), signal.SIGKILL)

        read_line(owner, containing="chore done")
        read_line(owner, containing="first is back")

    def test_stops_in_reverse_order_on_ctrl_c_and_leaves_nobody(self, start: StartSupervisor, tmp_path: Path) -> None:
        owner, marker = start("family")

        owner.send_signal(signal.SIGINT)

        assert owner.wait(timeout=30) == 0
        assert marked(marker) == []
        assert (tmp_path / "stops").read_text().split() == ["second", "first"]

    def test_kills_what_does_not_stop_in_time(self, start: StartSupervisor) -> None:
        owner, marker = start("stubborn")

        owner.send_signal(signal.SIGTERM)

        assert owner.wait(timeout=30) == 0
        assert marked(marker) == []

    def test_takes_children_and_grandchildren_along_when_killed(self, start: StartSupervisor) -> None:
        owner, marker = start("family")
        assert wait_until(lambda: len(marked(marker)) == _FAMILY_SIZE, timeout_s=10)

        owner.kill()

        assert _gone(marker)

    def test_has_a_guard_that_outlives_the_program_that_it_was(self, tmp_path: Path) -> None:
        log = tmp_path / "owner.log"
        owner = Program(
            "owner",
            command=[sys.executable, owners.__file__, "stubborn", tmp_path, "0"],
            environment=owners.environment(),
            folder=tmp_path,
            log_file=log,
            ready=lambda: "ready" in log.read_text(),
        )
        owner.start()
        [marker] = [line for line in log.read_text().splitlines() if line.startswith(MARKER_VARIABLE)]
        assert owner.process is not None

        owner.process.kill()
        owner.stop()

        assert _gone(marker)

    def test_starts_another_guard_when_its_guard_is_killed(self, start: StartSupervisor) -> None:
        owner, marker = start("family")
        [first_guard] = _guards_of(owner)

        os.kill(first_guard, signal.SIGKILL)

        assert wait_until(lambda: set(_guards_of(owner)) - {first_guard} != set(), timeout_s=10)
        owner.kill()
        assert _gone(marker)

    def test_ends_what_is_left_when_supervisor_and_guard_were_killed(self, start: StartSupervisor) -> None:
        owner, old_marker = start("family")
        [guard] = _guards_of(owner)
        os.kill(owner.pid, signal.SIGSTOP)
        os.kill(guard, signal.SIGKILL)
        owner.kill()
        owner.wait()
        assert marked(old_marker)

        start("family")

        assert marked(old_marker) == []

    def test_waits_for_the_guard_of_a_run_that_was_killed(self, start: StartSupervisor) -> None:
        owner, old_marker = start("family")
        owner.kill()

        _, new_marker = start("family")

        assert marked(old_marker) == []
        assert marked(new_marker)

    def test_spares_a_stranger_that_has_the_pid_of_a_former_supervisor(
        self, start: StartSupervisor, tmp_path: Path
    ) -> None:
        with subprocess.Popen(["/bin/sleep", "1000"]) as stranger:
            record = {"pid": stranger.pid, "started_at_ticks": 1, "run": "of another day"}
            (tmp_path / "stack.lock").write_text(json.dumps(record))

            start("family")

            assert stranger.poll() is None
            stranger.kill()

    def test_refuses_a_second_one_in_its_folder(self, start: StartSupervisor, tmp_path: Path) -> None:
        owner, marker = start("family")
        second = subprocess.run(
            [sys.executable, owners.__file__, "family", str(tmp_path), "0"],
            env=owners.environment(),
            capture_output=True,
            text=True,
            check=False,
        )

        assert second.returncode == 1
        assert f"already running in {tmp_path} (pid {owner.pid})" in second.stderr
        assert len(second.stderr.strip().splitlines()) == 1
        assert marked(marker)
