"""Plan changes: what has to end and to begin, so that the rules of some merchants become those that are wanted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import zip_longest
from operator import attrgetter, itemgetter
from uuid import UUID

from psp_core.domain.pricing.plan_rules import PlanRule, Scope
from psp_core.domain.pricing.terms import Fee, Schedule

_EARLIEST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class WantedRule:
    """Terms that shall be in force from `begins_at` on, or from now; until the next of the same scope begins."""

    scope: Scope
    fee: Fee
    schedule: Schedule
    begins_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """A rule that ends; None is at once, and at its beginning it is taken back."""

    rule: PlanRule
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Beginning:
    """A rule that begins; None is at once."""

    scope: Scope
    fee: Fee
    schedule: Schedule
    begins_at: datetime | None
    ends_at: datetime | None

    def rule(self, *, id: UUID, now: datetime, reason: str) -> PlanRule:
        """Return the rule that it becomes."""
        return PlanRule(id, self.scope, self.fee, self.schedule, self.begins_at or now, self.ends_at, now, reason)


@dataclass(frozen=True, slots=True)
class PlanChanges:
    endings: tuple[Ending, ...]
    beginnings: tuple[Beginning, ...]
    unchanged: int

    def __bool__(self) -> bool:
        return bool(self.endings or self.beginnings)


def plan_changes(existing: Iterable[PlanRule], wanted: Sequence[WantedRule], *, now: datetime) -> PlanChanges:
    """Return what to change, at `now`, of the merchants' `existing` rules: those in force and those still to begin.

    A rule in force that is not wanted any more ends at once; or, where a wanted one for the same sales begins later,
    then. What is as it shall be is left alone, so that changing twice is the same as once.
    """
    segments = _segments(wanted, now)
    missing = list(segments)
    endings: list[Ending] = []
    unchanged = 0
    for rule in sorted(existing, key=attrgetter("begins_at")):
        segment = next((each for each in missing if _continues(rule, each, now)), None)
        if segment is None:
            end = _end_by_rivals(rule, segments)
        else:
            missing.remove(segment)
            end = segment.ends_at
            if rule.ends_at is not None and (end is None or rule.ends_at < end):
                # An end stays: the rest is another rule's, which there may be.
                end = rule.ends_at
                missing.append(replace(segment, begins_at=end))
        if (rule.ends_at == end and segment is not None) or _ends_by(rule, end):
            unchanged += 1
        else:
            is_ahead = rule.begins_at > now and (end is None or end <= rule.begins_at)
            endings.append(Ending(rule, rule.begins_at if is_ahead else end))
    return PlanChanges(tuple(endings), tuple(missing), unchanged)


def _ends_by(rule: PlanRule, end: datetime | None) -> bool:
    return rule.ends_at is not None and end is not None and rule.ends_at <= end


def _end_by_rivals(rule: PlanRule, segments: Sequence[Beginning]) -> datetime | None:
    """Return when something for the same sales takes the rule's place; None is at once, also where nothing does."""
    begins = [each.begins_at for each in segments if each.scope.rivals(rule.scope)]
    return min((at for at in begins if at is not None), default=None) if None not in begins else None


def _segments(wanted: Sequence[WantedRule], now: datetime) -> list[Beginning]:
    """Return the wanted rules with their ends, without those that others have followed by now."""
    found = []
    for scope in dict.fromkeys(each.scope for each in wanted):
        own = [each for each in wanted if each.scope == scope]
        begun = [each for each in own if each.begins_at is None or each.begins_at <= now]
        later = sorted(
            ((each.begins_at, each) for each in own if each.begins_at and each.begins_at > now), key=itemgetter(0)
        )
        latest = sorted(begun, key=lambda each: each.begins_at or _EARLIEST)[-1:]
        starts = [*((None, each) for each in latest), *later]
        for (begin, each), following in zip_longest(starts, starts[1:]):
            end = following[0] if following else None
            found.append(Beginning(scope, each.fee, each.schedule, begin, end))
    return found


def _continues(rule: PlanRule, segment: Beginning, now: datetime) -> bool:
    """Tell whether the segment's terms are the rule's, from the same moment on."""
    begins_at = rule.begins_at if rule.begins_at > now else None
    return (rule.scope, rule.fee, rule.schedule, begins_at) == (
        segment.scope,
        segment.fee,
        segment.schedule,
        segment.begins_at,
    )
