"""Keep draining: drain after drain, for capacity beside Dagster's runs. An outage only delays it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from psp_core.domain.kernel.errors import QueueUnavailable, StorageUnavailable
from psp_core.usecases.payables.drain_queue import DrainOutcome, DrainQueue

RETRY_AFTER_S = 5.0


@dataclass(frozen=True, slots=True)
class KeepDraining:
    require_time_zone: Callable[[], None]
    drain: DrainQueue
    on_outcome: Callable[[DrainOutcome], None]
    on_failure: Callable[[Exception], None]
    _stopping: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Drain until `stop` is called. Raises TimeZoneChanged, as soon as the database says so."""
        while not self._stopping.is_set():
            try:
                # Before each drain, since the database may not have answered when the process began.
                self.require_time_zone()
                self.on_outcome(self.drain(goes_on=lambda: not self._stopping.is_set()))
            except (QueueUnavailable, StorageUnavailable) as outage:
                self.on_failure(outage)
                self._stopping.wait(RETRY_AFTER_S)

    def stop(self) -> None:
        """Let the commit under way end; what is received and not committed comes back to the queue."""
        self._stopping.set()
