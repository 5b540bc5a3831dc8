"""Change the rules that price merchants' sales, from now on or from a later moment."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from psp_core.domain.kernel.errors import PlanRulesOverlap
from psp_core.domain.pricing.plan_changes import PlanChanges, WantedRule, plan_changes
from psp_core.ports.kernel import Clock, Ids
from psp_core.ports.store import Store


@dataclass(frozen=True, slots=True)
class ChangePlans:
    """The wanted rules are all that the merchants shall have; None stands for the rules for every merchant."""

    store: Store
    clock: Clock
    ids: Ids

    def preview(self, merchants: Collection[str | None], wanted: Sequence[WantedRule]) -> PlanChanges:
        """Return what would be changed."""
        now = self.clock.now()
        with self.store.begin() as work:
            return plan_changes(work.plan_rules.of(merchants, at=now).rules, wanted, now=now)

    def __call__(
        self,
        merchants: Collection[str | None],
        wanted: Sequence[WantedRule],
        *,
        expected: PlanChanges,
        reason: str,
    ) -> None:
        """Change what was `expected`. Raises PlanRulesOverlap, and changes nothing, when it is something else now."""
        with self.store.begin() as work:
            work.plan_rules.take_turn()
            # After the turn: what is written by whoever had it before does not begin after this.
            now = self.clock.now()
            found = plan_changes(work.plan_rules.of(merchants, at=now).rules, wanted, now=now)
            if found != expected:
                raise PlanRulesOverlap("the rules were changed meanwhile: look at the difference again")
            for ending in found.endings:
                work.plan_rules.end([ending.rule.id], at=ending.at or now, now=now)
            ids = self.ids.new(at=now, count=len(found.beginnings))
            work.plan_rules.add(
                [each.rule(id=id, now=now, reason=reason) for each, id in zip(found.beginnings, ids, strict=True)]
            )
