"""Ends a code server that has lost the thread which looks after its run workers.

The thread dies at the first error of Dagster's database (`_cleanup_thread` in dagster/_grpc/server.py of 1.13.27). From
then on "Terminate", of a run whose worker was killed, waits in the server for ever, with the lock that every launch
needs. Whoever keeps the server running starts another one within a second.
"""

from __future__ import annotations

import os
import threading

THREAD_NAME = "grpc-server-cleanup"
"""The only name of Dagster's that is known here; a test holds that there is such a thread."""


def end_with_the_worker_watch() -> None:
    """Let this process end when its thread of that name does; without one nothing happens."""
    say = threading.excepthook

    def end(failure: threading.ExceptHookArgs) -> None:
        say(failure)
        if failure.thread is not None and failure.thread.name == THREAD_NAME:
            # Not by an exception: the server would wait for the dead thread.
            os._exit(1)

    threading.excepthook = end
