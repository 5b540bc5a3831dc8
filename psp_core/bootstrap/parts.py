"""What every feature is made of."""

from __future__ import annotations

from dataclasses import dataclass

from psp_core.ports.events import Queue
from psp_core.ports.kernel import Clock, Ids
from psp_core.ports.store import Store
from psp_core.settings import Settings


@dataclass(frozen=True)
class Parts:
    """The settings, and the adapters that more than one feature needs."""

    settings: Settings
    store: Store
    queue: Queue
    clock: Clock
    ids: Ids
    relay_store: Store | None = None
    """The same database with the relay's login, where it has one of its own."""
