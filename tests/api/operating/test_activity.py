"""Who has asked lately, and how long heavy work rests beside others'."""

from __future__ import annotations

from psp_api.server.activity import ALLOWANCE_S, NOBODYS, RECENTLY_S, Activity


class TestActivity:
    def test_lets_one_alone_go_on_at_once(self) -> None:
        activity = Activity()

        activity.see("greedy", now_s=0.0)

        assert activity.rest_s("greedy", took_s=5.0, now_s=0.1) == 0

    def test_lets_work_rest_beside_others_when_it_takes_more_than_half_of_the_time(self) -> None:
        activity = Activity()
        now_s, worked_s = 0.0, 0.0
        while now_s < 10:
            activity.see("modest", now_s=now_s)
            activity.see("greedy", now_s=now_s)
            now_s, worked_s = now_s + 0.05, worked_s + 0.05
            now_s += activity.rest_s("greedy", took_s=0.05, now_s=now_s)

        assert 5 <= worked_s <= 5 + ALLOWANCE_S

    def test_lets_nobody_rest_who_works_now_and_then(self) -> None:
        activity = Activity()
        rests: list[float] = []
        for number in range(100):
            now_s = number * 0.1
            activity.see("greedy", now_s=now_s)
            activity.see("modest", now_s=now_s)
            rests += [activity.rest_s("modest", took_s=0.02, now_s=now_s + 0.02) for _ in range(2)]

        assert set(rests) == {0.0}

    def test_lets_no_work_rest_when_the_others_have_gone(self) -> None:
        activity = Activity()
        activity.see("modest", now_s=0.0)
        activity.see("greedy", now_s=0.5)

        assert activity.rest_s("greedy", took_s=0.4, now_s=RECENTLY_S) > 0
        assert activity.rest_s("greedy", took_s=0.4, now_s=RECENTLY_S + 0.1) == 0

    def test_takes_no_account_of_what_is_no_merchants(self) -> None:
        activity = Activity()

        activity.see(f"{NOBODYS}operations", now_s=0.0)
        activity.see("greedy", now_s=0.0)

        assert not activity.has_others("greedy", now_s=0.0)

    def test_forgets_all_who_have_not_asked_recently(self) -> None:
        activity = Activity()
        for number in range(1_000):
            activity.see(str(number), now_s=0.0)

        activity.see("modest", now_s=RECENTLY_S + 0.1)

        assert len(activity._merchants) == 1
