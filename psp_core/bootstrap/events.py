"""What sends the outbox to the queue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from psp_core.bootstrap.parts import Parts
from psp_core.usecases.events.keep_relaying import KeepRelaying
from psp_core.usecases.events.relay_outbox import RelayOutbox, RelayOutcome


@dataclass(frozen=True)
class Events(Parts):
    """What sends the outbox to the queue."""

    @cached_property
    def relay_outbox(self) -> RelayOutbox:
        settings = self.settings
        store = self.relay_store or self.store
        return RelayOutbox(store, self.queue, settings.relay_entries_max, settings.message_transactions_max)

    def keep_relaying(
        self,
        *,
        on_outcome: Callable[[RelayOutcome], None] = lambda _: None,
        on_failure: Callable[[Exception], None] = lambda _: None,
    ) -> KeepRelaying:
        """Return a relay that is not started yet; a process needs one at most."""
        return KeepRelaying(
            self.relay_outbox,
            poll_interval_s=self.settings.relay_poll_interval_s,
            pause_s=self.settings.relay_pause_s,
            on_outcome=on_outcome,
            on_failure=on_failure,
        )
