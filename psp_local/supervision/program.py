"""One long-running child process: started, awaited until it is ready, and stopped with all it started itself."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

import psutil

from psp_local import LocalStackError
from psp_local.supervision.processes import end_all, in_session, is_alive, spawn_tied, wait_until

LOG_SIZE_MAX_BYTES = 50_000_000


class Program:
    """A command that should run until it is stopped, in a session of its own so that its descendants are known."""

    def __init__(
        self,
        name: str,
        *,
        command: Sequence[str | Path],
        environment: Mapping[str, str],
        folder: Path,
        log_file: Path,
        ready: Callable[[], bool],
        ready_within_s: float = 120,
        stop_within_s: float = 20,
        stop_signal: signal.Signals = signal.SIGTERM,
        has_workers: bool = False,
    ) -> None:
        """`ready` is asked while the process lives. Its workers, if it has any, go on when it dies, and are asked to
        stop when it is."""
        self.name = name
        self.log_file = log_file
        self.ready_within_s = ready_within_s
        self.launched_at_s = 0.0
        """When it was started last, as Unix time."""
        self.process: subprocess.Popen[bytes] | None = None
        self._command = command
        self._environment = environment
        self._folder = folder
        self._ready = ready
        self._stop_within_s = stop_within_s
        self._stop_signal = stop_signal
        self._has_workers = has_workers
        self._orphans: list[psutil.Process] = []

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start and wait until it is ready. Raises `LocalStackError`, in one sentence."""
        self.launch()
        try:
            self.await_ready()
        except LocalStackError:
            self.stop()
            raise

    def await_ready(self) -> None:
        """Wait for what was launched. Raises `LocalStackError` when it ends or is not ready in time."""
        wait_until(lambda: self.is_ready() or not self.runs(), timeout_s=self.ready_within_s)
        if not self.is_ready():
            raise LocalStackError(self.failure())

    def launch(self) -> None:
        """Start without waiting. Raises `LocalStackError` when that is known to be in vain."""
        self.process = self._spawn(self._command)

    def _spawn(self, command: Sequence[str | Path], *, user: str | None = None) -> subprocess.Popen[bytes]:
        self.launched_at_s = time.time()
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        if self.log_file.exists() and self.log_file.stat().st_size > LOG_SIZE_MAX_BYTES:
            # A new log when this one has grown large; one old one is kept.
            self.log_file.replace(self.log_file.with_name(self.log_file.name + ".1"))
        return spawn_tied(
            command,
            environment=self._environment,
            folder=self._folder,
            log_file=self.log_file,
            death_signal=self._stop_signal,
            user=user,
        )

    def runs(self) -> bool:
        """Tell whether the process lives."""
        return self.process is not None and self.process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """How it ended, negative for a signal; None while it runs, and before."""
        return None if self.process is None else self.process.poll()

    def is_ready(self) -> bool:
        """Tell whether the process lives and does its work."""
        return self.runs() and self._ready()

    def failure(self) -> str:
        """Say in one sentence why it is not ready."""
        code = self.exit_code
        if code is not None and code < 0:
            return f"{self.name} was killed by {signal.Signals(-code).name} (log: {self.log_file})"
        what = f"was not ready within {self.ready_within_s:.0f} s" if code is None else f"ended with code {code}"
        return f"{self.name} {what}: {last_line(self.log_file)} (log: {self.log_file})"

    def ask_to_stop(self) -> None:
        """Send the stop signal and return at once."""
        if self.process is not None and self.runs():
            send = os.killpg if self._has_workers else os.kill
            send(self.process.pid, self._stop_signal)
        for orphan in self._orphans:
            with suppress(psutil.NoSuchProcess):
                orphan.send_signal(self._stop_signal)

    def stop(self) -> None:
        """End the process and everything in its session, by force after a while. Harmless when it does not run."""
        self.ask_to_stop()
        self.wait_or_kill()

    def wait_or_kill(self) -> None:
        """Wait for a process that was asked to stop; what is left after the time, or survives it, is killed."""
        if self.process is not None:
            try:
                self.process.wait(self._stop_within_s)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        end_all(self._left, patience_s=5)
        self.process = None

    def clear_up(self) -> None:
        """Make room for another start after its death: what it left holds ports and database locks. Workers go on."""
        if self._has_workers:
            self._orphans = self._left()
            self.process = None
        else:
            self.stop()

    def _left(self) -> list[psutil.Process]:
        orphans = [one for one in self._orphans if is_alive(one)]
        return [*orphans, *in_session(self.process.pid)] if self.process is not None else orphans


def last_line(log_file: Path) -> str:
    """Return the last line of a log that says something."""
    lines = log_file.read_text(encoding="utf-8", errors="replace").splitlines() if log_file.exists() else []
    return next((line.strip() for line in reversed(lines) if line.strip()), "it wrote nothing")
