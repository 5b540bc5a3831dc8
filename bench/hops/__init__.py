"""The hops, in the order of the table; each is a function from the bench to its result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from bench.hops.batch import batch
from bench.hops.books import books
from bench.hops.drain import drain
from bench.hops.empty_settlement import empty_settlement
from bench.hops.fairness import fairness
from bench.hops.intake import intake, live_intake
from bench.hops.latency import latency
from bench.hops.lists import lists
from bench.hops.settlement import settlement
from bench.results import HopResult
from bench.rig.rounds import Bench

HOPS: Mapping[str, Callable[[Bench], HopResult]] = MappingProxyType(
    {
        "intake": intake,
        "live-intake": live_intake,
        "batch": batch,
        "drain": drain,
        "settlement": settlement,
        "books": books,
        "lists": lists,
        "latency": latency,
        "fairness": fairness,
        "empty-settlement": empty_settlement,
    }
)
