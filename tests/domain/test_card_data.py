"""What is card data, and what is not: the one function that decides it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from psp_core.domain.intake.card_brands import brand_at
from psp_core.domain.intake.cards import CardNumbers, holds_card_data, passes_luhn, without_card_data
from tests.disguises import OTHERS, OWN, SEPARATORS, disguises, grouped

ORDINARY = [
    "",
    "Lightsaber",
    "order 20261125123456",
    "order 12345678901234",
    "no. 4111 1111 1111 1112",
    "4111111111111111" * 2,
    "+55 11 91234-5674",
    "5511912345674",
    "+49 1512 3456781",
    "+1 415 555 2671 or +44 20 7946 0958",
    "2020-07-19T22:26:23.693Z",
    "2026-11-30 12:00:00.123456 to 2026-11-30 22:26:23.693456-03:00",
    "R$ 1.234,56 in 12 x R$ 102,88",
    "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12",
    "1764075600000",
    "1764075600000000000",
    "192.168.100.200, 10.0.0.1",
    "41111111-1111-1111-1111-111111111111",
    "urn:uuid:00004111-1111-1111-1111-000000000000",
    "%B12^3",
    "AT&T, 100 % of 4111 at 25%, &amp; &#52;&#49; %34%31",
    "&#9999999; &#x110000; &#0; &nosuch;",
    ";a=1",
]


class TestHoldsCardData:
    @pytest.mark.parametrize("text", disguises(), ids=ascii)
    def test_sees_through_every_disguise(self, text: str) -> None:
        assert holds_card_data(text)

    @pytest.mark.parametrize("text", ORDINARY)
    def test_takes_ordinary_text_for_what_it_is(self, text: str) -> None:
        assert not holds_card_data(text)

    @given(st.uuids())
    def test_is_never_hit_by_a_uuid(self, id: uuid.UUID) -> None:
        assert not any(holds_card_data(text) for text in (str(id), str(id).upper(), f"order {id}, {id}"))

    def test_is_not_hit_by_a_uuid_in_hex(self) -> None:
        id = f"{OWN}{'a' * 16}"

        assert not holds_card_data(f"key-{id}")
        assert holds_card_data(f"key-{id}a")

    @given(st.sampled_from("3456"), st.text("0123456789", min_size=11, max_size=18), st.sampled_from(SEPARATORS))
    def test_finds_every_number_of_a_brand(self, first: str, digits: str, separator: str) -> None:
        number = next(first + digits[1:] + last for last in "0123456789" if passes_luhn(first + digits[1:] + last))

        assert holds_card_data(separator.join(number)) or len(number) not in brand_at(number).lengths

    @pytest.mark.parametrize("number", ["0000000000000000", "411111111117", "9" * 18 + "5"])
    def test_finds_a_number_that_is_known_whatever_its_brand(self, number: str) -> None:
        for text in (number, "x".join(number), f"99{number}77", grouped(number, " and ")):
            assert holds_card_data(text, number=number)
            assert CardNumbers([OWN, number]).are_in(text)

    def test_does_not_find_a_known_number_that_is_not_there(self) -> None:
        assert not holds_card_data("411111111111 1112", number=OWN)
        assert not CardNumbers([OWN, *OTHERS]).are_in("411111111111 1112")


class TestWithoutCardData:
    @pytest.mark.parametrize("text", disguises(), ids=ascii)
    def test_leaves_none(self, text: str) -> None:
        cleaned = without_card_data(text, "*")

        assert "*" in cleaned
        assert not holds_card_data(cleaned)

    def test_keeps_what_stands_around_it(self) -> None:
        assert without_card_data(f"a1 {grouped(OWN, ' ')} b2 {OTHERS[0]} c3", "*") == "a1 * b2 * c3"

    def test_takes_out_numbers_that_are_longer_than_a_card(self) -> None:
        assert without_card_data(f"x{OWN}102512377y", "*") == "x*y"

    @pytest.mark.parametrize("text", [text for text in ORDINARY if len(text) < 32 or "-" in text])
    def test_keeps_ordinary_text(self, text: str) -> None:
        assert without_card_data(text, "*") == text


WORST = [
    *(
        "%34",
        "%2534",
        "&#52;",
        "&#0",
        "&#x",
        "&nbsp;4",
        "&a",
        "%",
        "4 ",
        "0 ",
        "4",
        "0",
        "4.44 ",
        "4444 ",
        "44444444-",
        "4444-44-44 44:44",
        "%B4",
        ";4=",
        "4a",
        "a",
    ),
    *("\u0664 ", "\u2783", "\u0301\u0316", "\ufdfa", "\u200b4", "\u30fc4"),
]


class TestTheTimeItTakes:
    @pytest.mark.parametrize("text", WORST, ids=ascii)
    def test_grows_with_the_text_and_no_faster(self, text: str) -> None:
        numbers = CardNumbers([OWN, *OTHERS])
        shorter, longer = (text * (size // len(text)) for size in (1_024, 65_536))

        for look in (holds_card_data, numbers.are_in, lambda each: without_card_data(each, "*")):
            # Quadratic would be 64 times as much; a busy machine is not.
            assert _shortest_s(look, longer) < 64 * 8 * _shortest_s(look, shorter)


def _shortest_s(look: Callable[[str], object], text: str) -> float:
    # Of CPU: what else the machine does, does not count.
    times = []
    for _ in range(5):
        started_s = time.thread_time()
        look(text)
        times.append(time.thread_time() - started_s)
    return min(times)
