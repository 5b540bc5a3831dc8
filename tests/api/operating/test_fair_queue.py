"""The queue's discipline, as pure code: shares, order, bounds, and who gives way."""

from __future__ import annotations

from collections import Counter
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from psp_api.server.fair_queue import FairQueue, QueueFull

TURN = 10
MERCHANTS = "abcd"
Sized = tuple[str, int, int]
"""An item: its merchant, its number, its rows."""

sizes = st.lists(st.tuples(st.sampled_from(MERCHANTS), st.integers(1, 25)), min_size=1, max_size=60)


def filled(asked: list[tuple[str, int]], *, rows_max: int = 100_000) -> FairQueue[Sized]:
    queue: FairQueue[Sized] = FairQueue(rows_max=rows_max, turn_rows=TURN)
    for number, (merchant, rows) in enumerate(asked):
        queue.put(merchant, (merchant, number, rows), rows=rows)
    return queue


def all_of(queue: FairQueue[Sized]) -> list[Sized]:
    found = []
    while (item := queue.take()) is not None:
        found.append(item)
    return found


class TestAFairQueue:
    @given(sizes)
    def test_hands_out_everything_once_and_each_merchants_own_in_order(self, asked: list[tuple[str, int]]) -> None:
        found = all_of(filled(asked))

        assert sorted(number for _, number, _ in found) == list(range(len(asked)))
        for merchant in MERCHANTS:
            own = [number for name, number, _ in found if name == merchant]
            assert own == sorted(own)

    @given(sizes)
    def test_gives_those_who_wait_alike_in_rows(self, asked: list[tuple[str, int]]) -> None:
        queue = filled(asked)
        waiting = Counter({merchant: sum(rows for name, rows in asked if name == merchant) for merchant in MERCHANTS})
        always = {merchant for merchant in MERCHANTS if waiting[merchant]}
        got: Counter[str] = Counter()

        while len(always) > 1:
            item = queue.take()
            assert item is not None
            got[item[0]] += item[2]
            shares = [got[merchant] for merchant in always]
            # Two turns apart at most: one that is over, and one that an item too large for it has put off.
            assert max(shares) - min(shares) <= 2 * (TURN + 25)
            always -= {merchant for merchant in always if got[merchant] == waiting[merchant]}

    def test_lets_a_newcomer_wait_for_one_turn_and_no_more(self) -> None:
        queue = filled([("a", 1)] * 1_000)
        assert [queue.take() for _ in range(3)]

        queue.put("b", ("b", -1, 1), rows=1)

        taken = [queue.take() for _ in range(TURN)]
        assert ("b", -1, 1) in taken

    def test_gives_one_who_is_alone_every_turn(self) -> None:
        assert [rows for _, _, rows in all_of(filled([("a", 500)] * 3))] == [500, 500, 500]

    def test_takes_nothing_larger_than_there_is_room_for(self) -> None:
        queue = filled([("a", 7)])

        assert queue.take(rows_max=6) is None
        assert queue.take(rows_max=7) == ("a", 0, 7)

    def test_passes_over_those_who_may_not(self) -> None:
        queue = filled([("a", 1), ("a", 1), ("b", 1)])

        assert queue.take(may=lambda merchant: merchant == "b") == ("b", 2, 1)
        assert queue.take(may=lambda merchant: merchant == "b") is None
        assert len(queue) == 2

    def test_lets_go_of_what_is_waited_for_no_longer(self) -> None:
        queue = filled([("a", 3), ("b", 4)])

        assert queue.discard("a", ("a", 0, 3))
        assert not queue.discard("a", ("a", 0, 3))
        assert (queue.rows, len(queue), queue.take()) == (4, 1, ("b", 1, 4))

    def test_remembers_nobody_who_has_nothing_waiting(self) -> None:
        queue = filled([(f"merchant-{number}", 1) for number in range(1_000)])

        all_of(queue)

        assert not queue._lines
        assert not queue._turns


class TestAFullQueue:
    def test_turns_away_whoever_has_the_most_waiting(self) -> None:
        queue = filled([("a", 1)] * 10, rows_max=10)

        with pytest.raises(QueueFull):
            queue.put("a", ("a", 10, 1), rows=1)
        assert queue.rows == 10

    def test_has_the_youngest_of_the_longest_give_way(self) -> None:
        queue = filled([("a", 4), ("b", 1), ("a", 5)], rows_max=10)

        assert queue.put("c", ("c", 3, 1), rows=1) == [("a", 2, 5)]
        assert {item for item, _, _ in all_of(queue)} == {"a", "b", "c"}

    def test_takes_an_item_that_is_larger_than_all_when_nothing_else_waits(self) -> None:
        assert filled([("a", 50)], rows_max=10).rows == 50

    @given(sizes, st.integers(20, 100))
    def test_never_holds_more_and_never_takes_from_those_with_less(
        self, asked: list[tuple[str, int]], rows_max: int
    ) -> None:
        queue: FairQueue[Sized] = FairQueue(rows_max=rows_max, turn_rows=TURN)
        kept: set[Sized] = set()
        for number, (merchant, rows) in zip(count(), asked, strict=False):
            item = (merchant, number, rows)
            lengths = Counter({name: sum(size for other, _, size in kept if other == name) for name in MERCHANTS})
            try:
                given_way = queue.put(merchant, item, rows=rows)
            except QueueFull:
                assert queue.rows == sum(lengths.values()) > rows_max - rows
                continue
            assert all(lengths[name] > lengths[merchant] + rows for name, _, _ in given_way)
            kept = kept - set(given_way) | {item}
            assert queue.rows == sum(size for _, _, size in kept) <= max(rows_max, rows)
