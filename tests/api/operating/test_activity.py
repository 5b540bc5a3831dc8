"""Who has asked lately, and how long heavy work rests beside others'."""

from __future__ import annotations

import os
from itertools import pairwise

import pytest

from psp_api.server.activity import ALLOWANCE_S, FREE_S, NOBODYS, RECENTLY_S, REST, SLICE_S, Activity, Board, Pace


class TestActivity:
    def test_lets_one_alone_go_on_at_once(self) -> None:
        activity = Activity()

        activity.see("greedy", now_s=0.0)

        assert activity.rest_s("greedy", took_s=5.0, now_s=0.1) == 0

    def test_lets_work_rest_beside_others_when_it_takes_more_than_its_share_of_the_time(self) -> None:
        activity = Activity()
        now_s, worked_s = 0.0, 0.0
        while now_s < 10:
            activity.see("modest", now_s=now_s)
            activity.see("greedy", now_s=now_s)
            now_s, worked_s = now_s + 0.05, worked_s + 0.05
            now_s += activity.rest_s("greedy", took_s=0.05, now_s=now_s)

        share_s = 10 / (1 + REST)
        assert share_s <= worked_s <= share_s + ALLOWANCE_S

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

    def test_is_shared_as_long_as_another_has_asked_lately(self) -> None:
        activity = Activity()
        found = []
        for merchant, now_s in (("greedy", 0.0), ("modest", 0.5), ("greedy", 0.6), ("greedy", 0.5 + RECENTLY_S + 0.1)):
            activity.see(merchant, now_s=now_s)
            found.append(activity.is_shared)

        assert found == [False, True, True, False]


class TestTheActivityOfManyWorkers:
    def test_has_those_who_asked_another_worker(self) -> None:
        board = Board(places=2)
        here, there = Activity(board, place=0), Activity(board, place=1)

        here.see("greedy", now_s=0.0)
        alone = here.is_shared
        there.see("modest", now_s=0.5)
        there.see("greedy", now_s=0.6)
        here.see("greedy", now_s=0.7)

        assert (alone, here.is_shared, here.has_others("greedy", now_s=0.7)) == (False, True, True)
        assert here.rest_s("greedy", took_s=0.4, now_s=0.8) > 0
        here.see("greedy", now_s=0.5 + RECENTLY_S + 0.1)
        assert not here.is_shared

    @pytest.mark.parametrize("is_here", [True, False])
    def test_lets_nobody_rest_for_whom_another_owes_more(self, is_here: bool) -> None:
        board = Board(places=2)
        here, there = Activity(board, place=0), Activity(board, place=1)
        greedys = here if is_here else there
        here.see("modest", now_s=10.0)
        greedys.see("greedy", now_s=10.0)

        assert greedys.rest_s("greedy", took_s=0.4, now_s=10.4) > 0
        greedys.see("greedy", now_s=10.4)
        here.see("modest", now_s=10.4)
        assert here.rest_s("modest", took_s=0.1, now_s=10.5) == 0
        assert greedys.rest_s("greedy", took_s=0.1, now_s=10.5) > 0

    def test_has_not_oneself_who_asked_another_worker(self) -> None:
        board = Board(places=2)
        here, there = Activity(board, place=0), Activity(board, place=1)

        for number in range(10):
            for worker in (here, there):
                worker.see("greedy", now_s=number * 0.1)

        assert not here.is_shared
        assert not there.is_shared

    def test_is_shared_by_processes_that_are_forked_after_it(self) -> None:
        board = Board(places=2)
        if (child := os.fork()) == 0:
            board.tell(1, "modest", now_s=0.5)
            os._exit(0)
        os.waitpid(child, 0)

        assert board.has_others("greedy", since_s=0.0)
        assert not board.has_others("modest", since_s=0.0)


ROWS = 10_000
ROW_S = SLICE_S / 100


class TestPace:
    @staticmethod
    def rests(activity: Activity, *, rows: int = ROWS, after: int = 0) -> tuple[list[int], list[float]]:
        """Return after which rows work has rested, and how long each time. Another merchant comes `after` rows."""
        worked = [0.0]
        rested: list[tuple[int, float]] = []
        pace = Pace(activity, worked_s=lambda: worked[0], rest=lambda rest_s: rested.append((row, rest_s)))
        for row in pace.through(range(rows)):
            worked[0] = (row + 1) * ROW_S
            if row == after:
                activity.see("modest", now_s=0.1)
        return [row for row, _ in rested], [rest_s for _, rest_s in rested]

    def test_lets_one_alone_go_on(self) -> None:
        activity = Activity()
        activity.see("greedy", now_s=0.0)

        assert self.rests(activity, after=ROWS) == ([], [])

    def test_lets_work_rest_beside_others_in_short_slices_for_a_part_of_the_time(self) -> None:
        activity = Activity()
        activity.see("greedy", now_s=0.0)

        rows, rests_s = self.rests(activity)

        slices_s = [rest_s / REST for rest_s in rests_s]
        assert max(slices_s) <= 2 * SLICE_S
        assert sum(rests_s) == pytest.approx((ROWS * ROW_S - FREE_S) * REST, rel=0.1)
        assert max(later - row for row, later in pairwise(rows)) * ROW_S <= 2 * SLICE_S

    def test_lets_no_small_work_rest(self) -> None:
        activity = Activity()
        activity.see("greedy", now_s=0.0)

        assert self.rests(activity, rows=round(FREE_S / ROW_S)) == ([], [])

    def test_lets_work_rest_as_soon_as_another_has_come(self) -> None:
        activity = Activity()
        activity.see("greedy", now_s=0.0)

        rows, _ = self.rests(activity, after=ROWS // 2)

        assert ROWS // 2 <= rows[0] <= ROWS // 2 + 2 * SLICE_S / ROW_S
