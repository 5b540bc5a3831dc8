from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from psp_core.domain.intake.transactions import PaymentMethod
from psp_core.domain.pricing.plan_changes import PlanChanges, WantedRule, plan_changes
from psp_core.domain.pricing.plan_rules import CONTRACT, InstallmentRange, PlanRule, Scope
from psp_core.domain.pricing.terms import Fee
from tests.builders import NOON, a_rule

MINE = Scope(customer_id="merchant-1")
FEW, MANY = (Scope("merchant-1", installments=InstallmentRange(*bounds)) for bounds in ((1, 6), (7, 24)))
SCHEDULE = CONTRACT[PaymentMethod.CREDIT_CARD].schedule


def wanted(bps: int, *, scope: Scope = MINE, days: float | None = None) -> WantedRule:
    begins_at = None if days is None else NOON + timedelta(days=days)
    return WantedRule(scope, Fee(bps), SCHEDULE, begins_at)


def rule(bps: int, *, scope: Scope = MINE, days: float = -9, until: float | None = None) -> PlanRule:
    begins_at = NOON + timedelta(days=days)
    ends_at = None if until is None else NOON + timedelta(days=until)
    return a_rule(scope=scope, fee=Fee(bps), begins_at=begins_at, ends_at=ends_at)


def ends(changes: PlanChanges) -> list[tuple[int, datetime | None]]:
    return [(ending.rule.fee.bps, ending.at) for ending in changes.endings]


def begins(changes: PlanChanges) -> list[tuple[int, datetime | None, datetime | None]]:
    return [(each.fee.bps, each.begins_at, each.ends_at) for each in changes.beginnings]


def applied(existing: list[PlanRule], changes: PlanChanges, *, now: datetime) -> list[PlanRule]:
    """Return what the table would hold after the changes; an end before the beginning takes a rule back."""
    ended = {ending.rule.id: ending.at or now for ending in changes.endings}
    kept = [
        a_rule(
            id=each.id,
            scope=each.scope,
            fee=each.fee,
            begins_at=each.begins_at,
            ends_at=ended.get(each.id, each.ends_at),
        )
        for each in existing
        if ended.get(each.id, each.begins_at + timedelta(days=1)) > each.begins_at
    ]
    added = [
        a_rule(scope=each.scope, fee=each.fee, begins_at=each.begins_at or now, ends_at=each.ends_at)
        for each in changes.beginnings
    ]
    return [each for each in (*kept, *added) if each.ends_at is None or each.ends_at > now]


class TestPlanChanges:
    def test_add_what_is_new(self) -> None:
        changes = plan_changes([], [wanted(100)], now=NOON)

        assert (ends(changes), begins(changes)) == ([], [(100, None, None)])

    def test_leave_alone_what_is_as_it_shall_be(self) -> None:
        changes = plan_changes([rule(100)], [wanted(100)], now=NOON)

        assert not changes
        assert changes.unchanged == 1

    def test_replace_what_differs_at_once(self) -> None:
        changes = plan_changes([rule(100)], [wanted(200)], now=NOON)

        assert (ends(changes), begins(changes)) == ([(100, None)], [(200, None, None)])

    def test_end_what_is_not_wanted_any_more(self) -> None:
        changes = plan_changes([rule(100)], [], now=NOON)

        assert (ends(changes), begins(changes)) == ([(100, None)], [])

    def test_let_a_rule_go_on_until_its_successor_begins(self) -> None:
        later = NOON + timedelta(days=5)

        changes = plan_changes([rule(100)], [wanted(200, days=5)], now=NOON)

        assert (ends(changes), begins(changes)) == ([(100, later)], [(200, later, None)])

    def test_plan_two_ahead(self) -> None:
        fifth, ninth = (NOON + timedelta(days=days) for days in (5, 9))

        changes = plan_changes([], [wanted(300, days=9), wanted(100), wanted(200, days=5)], now=NOON)

        assert begins(changes) == [(100, None, fifth), (200, fifth, ninth), (300, ninth, None)]

    def test_take_back_what_was_planned(self) -> None:
        planned = rule(200, days=5)

        changes = plan_changes([rule(100, until=5), planned], [wanted(100)], now=NOON)

        assert ends(changes) == [(200, planned.begins_at)]
        assert begins(changes) == [(100, NOON + timedelta(days=5), None)]

    def test_mean_by_a_moment_that_has_passed_now(self) -> None:
        assert not plan_changes([rule(100, days=-3)], [wanted(100, days=-5)], now=NOON)

    def test_end_a_rule_whose_range_is_divided(self) -> None:
        whole = rule(100, scope=Scope("merchant-1", installments=InstallmentRange(1, 24)))

        changes = plan_changes([whole], [wanted(100, scope=FEW), wanted(200, scope=MANY, days=3)], now=NOON)

        assert ends(changes) == [(100, None)]

    @given(st.data())
    def test_lead_to_what_is_wanted_and_then_to_nothing_more(self, data: st.DataObject) -> None:
        def some(name: str) -> list[WantedRule]:
            days = st.sampled_from([None, -2.0, 1.0, 2.0, 3.0])
            each = st.tuples(st.sampled_from([MINE, FEW, MANY]), st.sampled_from([100, 200]), days)
            drawn = data.draw(st.lists(each, max_size=6, unique_by=lambda item: (item[0], item[2])), label=name)
            return [wanted(bps, scope=scope, days=day) for scope, bps, day in drawn]

        existing: list[PlanRule] = []
        for step in range(4):
            now = NOON + timedelta(days=step * data.draw(st.sampled_from([0.0, 0.4, 1.0])))
            target = some(f"step {step}")
            existing = [each for each in existing if each.ends_at is None or each.ends_at > now]
            existing = applied(existing, plan_changes(existing, target, now=now), now=now)

            assert not plan_changes(existing, target, now=now)
            clashes = [
                (one, other)
                for place, one in enumerate(existing)
                for other in existing[place + 1 :]
                if one.scope.rivals(other.scope)
                and (one.ends_at is None or other.begins_at < one.ends_at)
                and (other.ends_at is None or one.begins_at < other.ends_at)
            ]
            assert clashes == []
            for scope in (MINE, FEW, MANY):
                own = [each for each in target if each.scope == scope]
                begun = [each for each in own if each.begins_at is None or each.begins_at <= now]
                in_force = [each for each in existing if each.scope == scope and each.is_in_force(now)]
                if begun:
                    last = max(begun, key=lambda each: each.begins_at or datetime.min.replace(tzinfo=NOON.tzinfo))
                    assert [each.fee for each in in_force] == [last.fee]
                elif not own:
                    assert in_force == []
