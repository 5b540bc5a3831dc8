"""One stack per data folder, and nothing left over from the one before.

As a module of its own (`-m psp_local.supervision.guard MARKER`) this is a small process that outlives a supervisor that
was killed: the kernel ends that one's children (`Program`), but not their children, Dagster's run workers and
gunicorn's workers. It holds the read end of a pipe as its standard input, ends them, and then itself.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import psutil

from psp_local import LocalStackError
from psp_local.supervision.processes import end_all, marked, wait_until
from psp_local.supervision.program import MARK

MARKER_VARIABLE = "PSP_STACK_RUN"
# Long enough for a run worker to record that it was interrupted, and for the queue to be written to disk.
_PATIENCE_S = 6
_CLEANED_UP_WITHIN_S = 45


class Lease:
    """The right to run the stack in a folder: a lock that the kernel gives back when supervisor and guard are dead.

    The file also names the run. Every process of the stack inherits that random name in its environment, which is
    how leftovers are recognised: not by their name, and not by a pid that may be somebody else's by now.
    """

    def __init__(self, folder: Path) -> None:
        self.run = secrets.token_hex(16)
        self._folder = folder
        self._file: IO[str] | None = None
        self._guard: subprocess.Popen[bytes] | None = None

    @property
    def marker(self) -> str:
        """The `NAME=value` pair in the environment of every process of this run."""
        return f"{MARKER_VARIABLE}={self.run}"

    def acquire(self, *, say: Callable[[str], None]) -> None:
        """Take the lock and end what a killed run left behind. Raises `LocalStackError` when a stack runs here."""
        self._file = file = (self._folder / "stack.lock").open("a+", encoding="utf-8")
        if not _try_lock(file) and not stack_lives(self._folder):
            # A supervisor that was killed leaves its guard, which holds the lock while it ends the children.
            say("an earlier run was killed; waiting until its processes are gone")
            wait_until(lambda: _try_lock(file), timeout_s=_CLEANED_UP_WITHIN_S)
        earlier = _record(self._folder)
        if not _try_lock(file):
            raise LocalStackError(
                f"The stack is already running in {self._folder} (pid {earlier.get('pid')}): use it, or end it with "
                "Ctrl-C there."
            )
        mark = f"{MARKER_VARIABLE}={earlier.get('run', 'none')}"
        if left := end_all(lambda: marked(mark), patience_s=_PATIENCE_S):
            pids = ", ".join(str(process.pid) for process in left)
            raise LocalStackError(f"Processes of an earlier run do not end: kill {pids} and start again.")
        file.truncate(0)
        json.dump({"pid": os.getpid(), "created_at_s": psutil.Process().create_time(), "run": self.run}, file)
        file.flush()

    def guard(self) -> None:
        """Have a guard; it shares the lock, so that no new stack starts before it has cleaned up."""
        if self._file is not None and (self._guard is None or self._guard.poll() is not None):
            self._guard = subprocess.Popen(
                [sys.executable, "-m", __name__, self.marker],
                cwd="/",
                # Not one of what is ended with the program that this supervisor may be.
                env={name: value for name, value in os.environ.items() if name != MARK},
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[self._file.fileno()],
                start_new_session=True,
            )

    def release(self) -> None:
        """End the guard, once there is nothing to guard any more, and give the lock back."""
        if self._guard is not None:
            self._guard.kill()
            # Closes the pipe too.
            self._guard.communicate()
        if self._file is not None:
            self._file.close()


def stack_lives(folder: Path) -> bool:
    """Tell whether the supervisor of the folder runs: a pid comes back, but with another start time."""
    record = _record(folder)
    try:
        process = psutil.Process(record["pid"])
        is_the_same = abs(process.create_time() - record["created_at_s"]) < 1
        return bool(is_the_same and process.status() != psutil.STATUS_ZOMBIE)
    except (KeyError, psutil.Error):
        return False


def _record(folder: Path) -> dict[str, Any]:
    # There is none before the first start, and half of one after the machine lost power.
    with suppress(OSError, ValueError):
        return dict(json.loads((folder / "stack.lock").read_text(encoding="utf-8")))
    return {}


def _try_lock(file: IO[str]) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def main(marker: str) -> None:
    """Wait for the end of the supervisor, then end everything that carries the marker."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.buffer.read()
    end_all(lambda: marked(marker), patience_s=_PATIENCE_S)


if __name__ == "__main__":
    main(sys.argv[1])
