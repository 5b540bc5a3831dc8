"""One stack per data folder, and nothing left over from the one before."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import IO

from psp_local import LocalStackError
from psp_local.supervision.processes import Identity, end_all, identity, marked, wait_until

MARKER_VARIABLE = "PSP_STACK_RUN"
_CLEANED_UP_WITHIN_S = 45
_LEFTOVER_PATIENCE_S = 5


class Lease:
    """The right to run the stack in a folder: a lock that the kernel gives back when its holders die.

    The file also names the run. Every process of the stack inherits that random name in its environment, which is
    how leftovers are recognised: not by their name, and not by a pid that may be somebody else's by now.
    """

    def __init__(self, folder: Path) -> None:
        self.run = secrets.token_hex(16)
        self._path = folder / "stack.lock"
        self._file: IO[str] | None = None

    @property
    def marker(self) -> str:
        """The `NAME=value` pair in the environment of every process of this run."""
        return f"{MARKER_VARIABLE}={self.run}"

    def acquire(self, *, say: Callable[[str], None]) -> None:
        """Take the lock and end what a killed run left behind. Raises `LocalStackError` when a stack runs here."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._path.open("a+", encoding="utf-8")
        if not self._try_lock():
            self._wait_for_the_guard(say)
        self._end_leftovers()
        self._write_record()

    def fileno(self) -> int:
        """The descriptor of the lock; a child that inherits it holds the lock too."""
        if self._file is None:
            raise ValueError("the lease was not acquired")
        return self._file.fileno()

    def release(self) -> None:
        """Give the lock back."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _try_lock(self) -> bool:
        try:
            fcntl.flock(self.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _wait_for_the_guard(self, say: Callable[[str], None]) -> None:
        # A supervisor that was killed leaves its guard, which holds the lock while it ends the children.
        owner, _ = self._read_record()
        if owner is None or identity(owner.pid) != owner:
            say("an earlier run was killed; waiting until its processes are gone")
            if wait_until(self._try_lock, timeout_s=_CLEANED_UP_WITHIN_S):
                return
        owner, _ = self._read_record()
        self.release()
        raise LocalStackError(
            f"The stack is already running in {self._path.parent}"
            f"{f' (pid {owner.pid})' if owner else ''}: use it, or end it with Ctrl-C there."
        )

    def _end_leftovers(self) -> None:
        _, run = self._read_record()
        if run is None:
            return
        survivors = end_all(lambda: marked(f"{MARKER_VARIABLE}={run}"), patience_s=_LEFTOVER_PATIENCE_S)
        if survivors:
            pids = ", ".join(str(one.pid) for one in survivors)
            self.release()
            raise LocalStackError(f"Processes of an earlier run do not end: kill {pids} and start again.")

    def _read_record(self) -> tuple[Identity | None, str | None]:
        try:
            record = json.loads(self._path.read_text(encoding="utf-8"))
            return Identity(record["pid"], record["started_at_ticks"]), record["run"]
        except (ValueError, KeyError, TypeError):
            # Empty at the very first start; cut short when the machine lost power.
            return None, None

    def _write_record(self) -> None:
        me = identity(os.getpid())
        if self._file is None or me is None:
            raise ValueError("the lease was not acquired")
        self._file.truncate(0)
        json.dump({"pid": me.pid, "started_at_ticks": me.started_at_ticks, "run": self.run}, self._file)
        self._file.flush()
