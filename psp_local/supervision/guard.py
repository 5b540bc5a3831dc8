"""A small process that outlives a supervisor that was killed, ends what that one started, and then ends itself.

The kernel ends the supervisor's children (see `tied.py`), but not their children: Dagster's run workers and
gunicorn's workers. Started by its path: `guard.py MARKER`, with the read end of a pipe as its standard input.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from psp_local.supervision.lease import Lease
from psp_local.supervision.processes import end_all, marked

# Long enough for a run worker to record that it was interrupted, and for the queue to be written to disk.
_PATIENCE_S = 6


class Guard:
    """The supervisor's side: as long as it lives, or until it calls `stop`, the guard does nothing."""

    def __init__(self, lease: Lease) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self._lease = lease

    def launch(self) -> None:
        """Start the guard; it shares the lock, so that no new stack starts before it has cleaned up."""
        package_root = str(Path(__file__).parents[2])
        self.process = subprocess.Popen(
            [sys.executable, __file__, self._lease.marker],
            env={**os.environ, "PYTHONPATH": package_root, "PYTHONSAFEPATH": "1"},
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[self._lease.fileno()],
            start_new_session=True,
        )

    def ensure(self) -> None:
        """Start it again, should somebody have killed it."""
        if self.process is None or self.process.poll() is not None:
            self.launch()

    def stop(self) -> None:
        """End it, once there is nothing to guard any more."""
        if self.process is not None:
            self.process.kill()
            # Closes the pipe too.
            self.process.communicate()
            self.process = None


def main(marker: str) -> None:
    """Wait for the end of the supervisor, then end everything that carries the marker."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.buffer.read()
    end_all(lambda: marked(marker), patience_s=_PATIENCE_S)


if __name__ == "__main__":
    main(sys.argv[1])
