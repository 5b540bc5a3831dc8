"""Rounds: product and baseline take turns, and take turns at going first."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.rig.servers import Servers

Measure = Callable[[int], float]


@dataclass(frozen=True)
class Bench:
    """What a hop gets: the servers, how often to measure, and whether only to try the harness at small sizes."""

    servers: Servers
    rounds: int
    is_quick: bool
    folder: Path

    def size(self, full: int, *, quick: int) -> int:
        return quick if self.is_quick else full

    def seconds(self, full: float, *, quick: float = 4) -> float:
        return quick if self.is_quick else full

    def say(self, line: str) -> None:
        print(f"{time.strftime('%H:%M:%S')}  {line}", flush=True)

    def compare(self, what: str, *, product: Measure, baseline: Measure) -> tuple[list[float], list[float]]:
        """Return the figures of both, one a round; each is told the number of the round."""
        mine: list[float] = []
        bare: list[float] = []
        for number in range(self.rounds):
            if number % 2 == 0:
                mine.append(product(number))
                bare.append(baseline(number))
            else:
                bare.append(baseline(number))
                mine.append(product(number))
            self.say(f"{what}, round {number + 1} of {self.rounds}: {mine[-1]:,.1f} against {bare[-1]:,.1f}")
        return mine, bare


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that the work took."""
    started_s = time.perf_counter()
    work()
    return time.perf_counter() - started_s
