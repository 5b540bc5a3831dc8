"""Progress in a run's log: often enough to be followed, too seldom to cost anything."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

LINE_INTERVAL_S = 5.0


@dataclass(slots=True)
class Pace:
    """Tells when something is due that is done every `interval_s` at most, and at once the first time."""

    interval_s: float
    _last_s: float = float("-inf")

    def is_due(self) -> bool:
        now_s = time.monotonic()
        if now_s - self._last_s < self.interval_s:
            return False
        self._last_s = now_s
        return True


@dataclass(slots=True)
class Progress:
    """Says how far a long piece of work is, at most every few seconds."""

    say: Callable[[str], None]
    about: str = ""
    pace: Pace = field(default_factory=lambda: Pace(LINE_INTERVAL_S))
    started_at_s: float = field(default_factory=time.monotonic)

    def __call__(self, done: int, expected: int) -> None:
        """Report `done` items of `expected`, with the rate and the time left."""
        self.line(lambda: self._sentence(done, expected))

    def line(self, sentence: Callable[[], str]) -> None:
        """Say the sentence, unless one was said a moment ago."""
        if self.pace.is_due():
            self.say(f"{self.about}: {sentence()}" if self.about else sentence())

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self.started_at_s

    def _sentence(self, done: int, expected: int) -> str:
        per_s = done / max(self.elapsed_s, 1e-3)
        left_s = (expected - done) / per_s if per_s else 0
        return f"{done:,} of {expected:,} ({done / max(expected, 1):.0%}), {per_s:,.0f} a second, {left_s:,.0f} s left"
