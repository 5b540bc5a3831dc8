"""One long-running child process: started, awaited until it is ready, and stopped with all it started itself."""

from __future__ import annotations

import pwd
import secrets
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Self

import psutil

from psp_local import LocalStackError
from psp_local.supervision.processes import end_all, marked, wait_until

MARK = "PSP_PROGRAM"
LOG_SIZE_MAX_BYTES = 50_000_000


# Without a text of its own: the environment has passwords in it.
@dataclass(eq=False, repr=False)
class Program:
    """A command that should run until it is stopped. What it starts is known by a mark that it inherits."""

    name: str
    _: KW_ONLY
    command: Sequence[str | Path]
    environment: Mapping[str, str]
    folder: Path
    log_file: Path
    ready: Callable[[], bool]
    """Asked while the process lives."""
    ready_within_s: float = 120
    stop_within_s: float = 20
    stop_signal: signal.Signals = signal.SIGTERM
    has_workers: bool = False
    """They go on when it dies, and are asked to stop when it is."""
    launched_at_s: float = field(default=0.0, init=False)
    """When it was started last, as Unix time."""
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _mark: str = field(default_factory=lambda: secrets.token_hex(16), init=False)

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
        self.process = self._spawn(self.command)

    def _spawn(self, command: Sequence[str | Path], *, user: str | None = None) -> subprocess.Popen[bytes]:
        """Start the command in a session of its own, as the user, in that one's group only.

        It receives the stop signal when the calling *thread* ends, however it ends: it may not end before its program.
        """
        self.launched_at_s = time.time()
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        if self.log_file.exists() and self.log_file.stat().st_size > LOG_SIZE_MAX_BYTES:
            # A new log when this one has grown large; one old one is kept.
            self.log_file.replace(self.log_file.with_name(self.log_file.name + ".1"))
        with self.log_file.open("ab") as log:
            return subprocess.Popen(
                # Replaces itself by the command, so the pid stays the same; after the change of user, which undoes it.
                ["setpriv", "--pdeathsig", self.stop_signal.name, *map(str, command)],  # noqa: S607
                env={**self.environment, MARK: self._mark},
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=user,
                group=None if user is None else pwd.getpwnam(user).pw_gid,
                extra_groups=None if user is None else [],
            )

    def family(self) -> list[psutil.Process]:
        """Return the process and all that it started, or an earlier one of this program, and that still live."""
        return marked(f"{MARK}={self._mark}")

    def runs(self) -> bool:
        """Tell whether the process lives."""
        return self.process is not None and self.process.poll() is None

    def is_ready(self) -> bool:
        """Tell whether the process lives and does its work."""
        return self.runs() and self.ready()

    def failure(self) -> str:
        """Say in one sentence why it is not ready."""
        code = None if self.process is None else self.process.poll()
        if code is not None and code < 0:
            return f"{self.name} was killed by {signal.Signals(-code).name} (log: {self.log_file})"
        what = f"was not ready within {self.ready_within_s:.0f} s" if code is None else f"ended with code {code}"
        return f"{self.name} {what}: {last_line(self.log_file)} (log: {self.log_file})"

    def stop(self) -> None:
        """End the process and everything it started, by force after a while. Harmless when it does not run."""
        self.ask_to_stop()
        self.wait_or_kill()

    def ask_to_stop(self) -> None:
        """Send the stop signal and return at once."""
        if self.has_workers:
            for one in self.family():
                with suppress(psutil.NoSuchProcess):
                    one.send_signal(self.stop_signal)
        elif self.process is not None:
            self.process.send_signal(self.stop_signal)

    def wait_or_kill(self) -> None:
        """Wait for a process that was asked to stop; what is left after the time, or survives it, is killed."""
        if self.process is not None:
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(self.stop_within_s)
            self.process.kill()
            self.process.wait()
        end_all(self.family, patience_s=5)
        self.process = None

    def clear_up(self) -> None:
        """Make room for another start after its death: what it left holds ports and database locks. Workers go on."""
        if not self.has_workers:
            self.stop()
        self.process = None


def last_line(log_file: Path) -> str:
    """Return the last line of a log that says something."""
    lines = log_file.read_text(encoding="utf-8", errors="replace").split("\n") if log_file.exists() else []
    return next((line.strip() for line in reversed(lines) if line.strip()), "it wrote nothing")
