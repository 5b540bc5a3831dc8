"""Plan drains: how many consumers the backlog deserves, and how many of them are missing."""

from __future__ import annotations

from dataclasses import dataclass

from psp_core.ports import Queue


@dataclass(frozen=True, slots=True)
class DrainPlan:
    """`missing` drains are to be started for the `waiting` messages, beside those that run."""

    waiting: int
    missing: int


@dataclass(frozen=True, slots=True)
class PlanDrains:
    queue: Queue
    drains_max: int
    messages_per_drain: int

    def __call__(self, *, active: int) -> DrainPlan:
        """Return the plan while `active` drains run or are about to. Raises QueueUnavailable."""
        waiting = self.queue.depth().waiting
        wanted = min(self.drains_max, -(-waiting // self.messages_per_drain))
        return DrainPlan(waiting, max(0, wanted - active))
