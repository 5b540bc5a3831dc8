"""A connection: one request has one answer, in order, whatever it asks for."""

from __future__ import annotations

import socket
import struct

import pytest

from tests.api.edge.raw import (
    BODY,
    answer_to,
    answers_to,
    connected,
    everything,
    get,
    head,
    post,
    split,
    stored,
)
from tests.api.server import Api


class TestAnUpgrade:
    @pytest.mark.parametrize("to", ["h2c", "websocket", "foo", "h2c, foo"])
    def test_is_ignored_and_leaves_the_body_in_its_request(self, api: Api, merchant: str, to: str) -> None:
        asked = ("Connection: Upgrade, HTTP2-Settings", f"Upgrade: {to}", "HTTP2-Settings: AAMAAABkAAQ")
        another = post(f"{merchant}-2")

        answers = answers_to(api, post(merchant, *asked), post(merchant, *asked, body=b" " + BODY), another)

        assert [answer.status for answer in answers] == [201, 201, 201]
        assert [answer.json["customer_id"] for answer in answers] == [merchant, merchant, f"{merchant}-2"]

    def test_does_not_let_a_body_become_a_request(self, api: Api, merchant: str) -> None:
        smuggled = post(f"{merchant}-2")

        answer = answer_to(api, post(merchant, "Connection: Upgrade", "Upgrade: h2c", body=smuggled))

        answer.require_problem(400, "broken_json")
        assert stored(api, f"{merchant}-2") == 0


class TestOneConnection:
    def test_answers_what_was_sent_at_once_in_its_order(self, api: Api, merchant: str) -> None:
        sent = [
            post(merchant),
            get("/nowhere", merchant),
            post(merchant, body=b"{"),
            get("/payables", merchant),
            b"FOO / X\r\n",
        ]

        answers = answers_to(api, b"".join(sent) + post(merchant))

        assert [answer.status for answer in answers] == [201, 404, 400, 200, 400]
        assert stored(api, merchant) == 1

    def test_is_answered_after_its_end_was_sent(self, api: Api, merchant: str) -> None:
        assert answer_to(api, post(merchant)).status == 201
        assert stored(api, merchant) == 1

    def test_may_be_torn_down_at_any_moment(self, api: Api, merchant: str) -> None:
        whole = post(merchant, "Expect: 100-continue")
        for size in (0, 5, len(whole) - len(BODY), len(whole) - 10, len(whole)):
            for _ in range(20):
                with connected(api) as connection:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    connection.sendall(whole[:size])

        assert answer_to(api, post(merchant)).status == 201
        assert '"level": "error"' not in api.log_file.read_text()

    def test_stores_nothing_of_a_body_that_ended_too_soon(self, api: Api, merchant: str) -> None:
        answer_to(api, post(merchant, length=len(BODY) + 1)).require_problem(400, "broken_request")
        assert stored(api, merchant) == 0

    def test_skips_the_body_of_a_request_that_was_refused_without_it(self, api: Api, merchant: str) -> None:
        with connected(api) as connection:
            connection.sendall(post(merchant, "Content-Type: text/plain", body=b"", length=len(BODY)))
            first = connection.recv(65_536)
            connection.sendall(BODY + post(merchant))
            connection.shutdown(socket.SHUT_WR)
            answers = split(first + everything(connection))

        assert [answer.status for answer in answers] == [422, 201]

    def test_lets_who_does_not_read_wait(self, api: Api, merchant: str) -> None:
        # Twenty megabytes of requests: more than what lies between the two takes up, however long the answers are.
        many = 2_000
        with connected(api) as connection:
            connection.settimeout(3)
            with pytest.raises(TimeoutError):
                connection.sendall(head("GET /openapi.json HTTP/1.1", f"x-more: {'m' * 10_000}") * many)
