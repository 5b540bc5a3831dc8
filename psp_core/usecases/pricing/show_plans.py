"""Show the rules of some merchants."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from psp_core.domain.pricing.plan_rules import PlanRule
from psp_core.ports.kernel import Clock
from psp_core.ports.store import Store


@dataclass(frozen=True, slots=True)
class ShowPlans:
    store: Store
    clock: Clock

    def __call__(self, merchants: Collection[str | None], *, at: datetime | None = None) -> list[PlanRule]:
        """Return their rules in force at that instant or later; None stands for those for every merchant."""
        with self.store.begin() as work:
            return work.plan_rules.of(merchants, at=at or self.clock.now()).rules
