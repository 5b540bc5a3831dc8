"""Keep relaying: a thread that empties the outbox whenever something was stored, and looks by itself as well."""

from __future__ import annotations

import threading
from collections.abc import Callable

from psp_core.domain.kernel.errors import QueueUnavailable, StorageUnavailable
from psp_core.usecases.events.relay_outbox import RelayOutbox, RelayOutcome

BACKOFF_MAX_S = 5.0


class KeepRelaying:
    """Call `wake` after a commit. An outage of queue or database only delays it; it never gives up."""

    def __init__(
        self,
        relay: RelayOutbox,
        *,
        poll_interval_s: float,
        pause_s: float,
        on_outcome: Callable[[RelayOutcome], None] = lambda _: None,
        on_failure: Callable[[Exception], None] = lambda _: None,
    ) -> None:
        self._relay = relay
        self._poll_interval_s = poll_interval_s
        self._pause_s = pause_s
        self._on_report = on_outcome
        self._on_failure = on_failure
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self.run, name="relay", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Tell that there is something to send; never blocks."""
        self._woken.set()

    def stop(self, *, timeout_s: float = 5) -> None:
        """Let the call under way end; what is left in the outbox is sent by the next process."""
        self._stopping.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def run(self) -> None:
        """Relay until `stop` is called."""
        backoff_s = self._poll_interval_s
        while not self._stopping.is_set():
            self._woken.clear()
            try:
                report = self._relay()
            except (QueueUnavailable, StorageUnavailable) as failure:
                self._on_failure(failure)
                backoff_s = min(2 * backoff_s, BACKOFF_MAX_S)
                self._stopping.wait(backoff_s)
                continue
            backoff_s = self._poll_interval_s
            if report.entries or report.failed_entries:
                self._on_report(report)
            if report.failed_entries:
                self._stopping.wait(self._poll_interval_s)
            elif not report.entries:
                self._woken.wait(self._poll_interval_s)
            elif report.entries < self._relay.entries_max:
                # A call to the queue costs the same for one transaction as for hundreds: let some gather.
                self._stopping.wait(self._pause_s)

    def run_until_empty(self) -> None:
        """Relay until the outbox is empty; raises QueueUnavailable or StorageUnavailable."""
        while (report := self._relay()).entries or report.failed_entries:
            self._on_report(report)
