"""Plan drains: how many consumers the backlog deserves, and how many of them are missing."""

from __future__ import annotations

from dataclasses import dataclass

from psp_core.ports.events import Queue


@dataclass(frozen=True, slots=True)
class DrainPlan:
    """What is to be started for the `waiting` messages, beside the drains that run.

    `standbys` stay until their time is over, `extras` until the queue has been empty for a while.
    """

    waiting: int
    standbys: int
    extras: int


@dataclass(frozen=True, slots=True)
class PlanDrains:
    queue: Queue
    drains_max: int
    drains_standby: int
    messages_per_drain: int

    def __call__(self, *, active: int, standing: int) -> DrainPlan:
        """Return the plan while `active` drains run or are about to, `standing` of them standbys that will stay.

        Raises QueueUnavailable.
        """
        waiting = self.queue.depth().waiting
        deserved = min(self.drains_max, -(-waiting // self.messages_per_drain))
        standbys = max(0, self.drains_standby - standing)
        return DrainPlan(waiting, standbys, extras=max(0, deserved - active - standbys))
