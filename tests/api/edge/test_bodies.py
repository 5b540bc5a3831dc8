"""The body of a request: where it ends, whether it is wanted, and what it says."""

from __future__ import annotations

import pytest

from tests.api.bodies import CARD_NUMBER
from tests.api.edge.raw import (
    BODY,
    Answer,
    answer_to,
    answers_to,
    connected,
    get,
    head,
    post,
    split,
    stored,
)
from tests.api.server import Api

JSON = "Content-Type: application/json"
CHUNKED = "Transfer-Encoding: chunked"


def chunked(*parts: bytes, extension: bytes = b"", trailer: bytes = b"") -> bytes:
    chunks = b"".join(b"%x%b\r\n%b\r\n" % (len(part), extension, part) for part in parts)
    return chunks + b"0\r\n" + trailer + b"\r\n"


class TestAChunkedBody:
    def test_may_come_in_any_pieces_with_extensions_and_trailers(self, api: Api, merchant: str) -> None:
        whole = head("POST /transactions HTTP/1.1", f"x-customer-id: {merchant}", JSON, CHUNKED) + chunked(
            BODY[:7], BODY[7:8], BODY[8:], extension=b'; a="b"', trailer=b"Expires: never\r\n"
        )

        answers = answers_to(api, *(bytes([byte]) for byte in whole * 2))

        assert [answer.status for answer in answers] == [201, 201]

    @pytest.mark.parametrize("trailer", [b"x-customer-id: alice", b"Authorization: Bearer x", b"Host: b"])
    def test_has_trailers_that_are_no_headers(self, api: Api, merchant: str, trailer: bytes) -> None:
        body = chunked(BODY, trailer=trailer + b"\r\n")

        nameless = answer_to(api, head("POST /transactions HTTP/1.1", JSON, CHUNKED) + body)
        named = answer_to(api, head("POST /transactions HTTP/1.1", JSON, CHUNKED, f"x-customer-id: {merchant}") + body)

        nameless.require_problem(422, "validation_failed")
        assert named.json["customer_id"] == merchant

    @pytest.mark.parametrize(
        "body",
        [
            b"xyz\r\n",
            b"-1\r\n",
            b"0x5\r\nhello\r\n0\r\n\r\n",
            b"5\nhello\n0\n\n",
            b"5\r\nhello0\r\n\r\n",
            b"5;a=\nb\r\nhello\r\n0\r\n\r\n",
            b"1" * 300,
            b"fffffffff\r\n",
            b"0\r\nbroken\r\n\r\n",
            b"0\r\nContent-Length: 3\r\n\r\n",
            b"0\r\ntransfer-encoding: gzip, chunked\r\n\r\n",
            b"0\r\n" + b"a: b\r\n" * 3_000 + b"\r\n",
            b"5\r\nhel",
        ],
    )
    def test_is_refused_when_it_is_broken(self, api: Api, merchant: str, body: bytes) -> None:
        asked = head("POST /transactions HTTP/1.1", f"x-customer-id: {merchant}", JSON, CHUNKED)

        answer_to(api, asked + body).require_problem(400, "broken_request")

    @pytest.mark.parametrize(
        ("fields", "status", "code"),
        [
            (("Transfer-Encoding: gzip, chunked",), 501, "not_implemented"),
            (("Transfer-Encoding: identity",), 501, "not_implemented"),
            (("Transfer-Encoding: xchunked",), 501, "not_implemented"),
            ((CHUNKED, CHUNKED), 400, "broken_request"),
            ((CHUNKED, "Content-Length: 5"), 400, "broken_request"),
            (("Transfer-Encoding:\x0bchunked",), 400, "broken_request"),
            (("Content-Length: 5", "Content-Length: 5"), 400, "broken_request"),
            (("Content-Length: 5", "Content-Length: 50"), 400, "broken_request"),
            (("Content-Length: 5, 5",), 400, "broken_request"),
            (("Content-Length: +5",), 400, "broken_request"),
            (("Content-Length: 0x5",), 400, "broken_request"),
            (("Content-Length:",), 400, "broken_request"),
            (("Content-Length: 99999999999999999999",), 400, "broken_request"),
        ],
    )
    def test_is_the_only_framing_besides_one_length(
        self, api: Api, merchant: str, fields: tuple[str, ...], status: int, code: str
    ) -> None:
        asked = head("POST /transactions HTTP/1.1", f"x-customer-id: {merchant}", JSON, *fields)

        answer_to(api, asked + chunked(BODY) + post(merchant)).require_problem(status, code)
        assert stored(api, merchant) == 0


class TestExpect100Continue:
    @pytest.mark.parametrize(
        ("fields", "status"),
        [
            ((JSON, "Content-Length: 10000000"), 413),
            (("Content-Type: text/plain", "Content-Length: 10"), 415),
            ((JSON, "Content-Length: 10", "Content-Encoding: gzip"), 415),
            ((JSON, "Content-Length: 10", JSON), 422),
        ],
    )
    def test_is_answered_at_once_when_the_body_is_not_wanted(
        self, api: Api, merchant: str, fields: tuple[str, ...], status: int
    ) -> None:
        asked = head("POST /transactions HTTP/1.1", f"x-customer-id: {merchant}", *fields, "Expect: 100-continue")
        with connected(api) as connection:
            connection.sendall(asked)
            [answer] = split(connection.recv(65_536))

        assert (answer.status, answer.fields["connection"]) == (status, "close")

    def test_is_the_only_thing_to_expect(self, api: Api, merchant: str) -> None:
        answer_to(api, post(merchant, "Expect: a miracle")).require_problem(417, "expectation_failed")


class TestJson:
    @pytest.mark.parametrize(
        "more",
        [
            b'"x": NaN',
            b'"x": Infinity',
            b'"x": -Infinity',
            b'"x": [{"y": NaN}]',
            b'"x": 1e400',
            b'"amount": 1',
            b'"x": 1, "x": 1',
            b'"x": {"y": 1, "y": 2}',
            b'"x": [{"y": ":", "z": 1, "\\u0079": 2}]',
            b'"x": ":::", "amount": 1',
            b'"am\\u006funt": 1',
            b'"x": ' + b"[" * 5_000 + b"]" * 5_000,
            b'"x": ' + b'{"a":' * 1_015 + b"1" + b"}" * 1_015,
        ],
    )
    @pytest.mark.parametrize("path", ["/transactions", "/transactions/batch"])
    def test_means_one_thing_or_is_refused(self, api: Api, merchant: str, path: str, more: bytes) -> None:
        body = BODY[:-1] + b", " + more + b"}"
        body = b"[" + BODY + b", " + body + b"]" if path.endswith("batch") else body
        fields = (f"x-customer-id: {merchant}", JSON, f"Content-Length: {len(body)}")

        answer_to(api, head(f"POST {path} HTTP/1.1", *fields) + body).require_problem(400, "broken_json")

    @pytest.mark.parametrize("more", [b'"x": ":"', b'"x": {"y": {"y": 1}}', b'"x": 1e300'])
    def test_may_hold_what_looks_like_a_key(self, api: Api, merchant: str, more: bytes) -> None:
        assert answer_to(api, post(merchant, body=BODY[:-1] + b", " + more + b"}")).status == 201


class TestAnAnswerToNonsense:
    def test_lists_a_hundred_problems_and_says_how_many_more(self, api: Api, merchant: str) -> None:
        body = b"[" + b",".join([b"{}"] * 1_000) + b"]"
        fields = (f"x-customer-id: {merchant}", JSON, f"Content-Length: {len(body)}")

        answer = answer_to(api, head("POST /transactions/batch HTTP/1.1", *fields) + body)

        answer.require_problem(422, "validation_failed")
        assert (len(answer.json["errors"]), answer.json["errors_not_listed"]) == (100, 6_900)
        assert "7000 problems" in answer.json["detail"]
        assert len(answer.body) < 20_000

    def test_holds_no_card_number(self, api: Api, merchant: str) -> None:
        answers: list[Answer] = [
            answer_to(api, head(f"{CARD_NUMBER} / HTTP/1.1")),
            answer_to(api, get(f"//{CARD_NUMBER}", merchant)),
            answer_to(api, get("/payables", merchant, f"{CARD_NUMBER} : 1")),
        ]

        assert all(CARD_NUMBER.encode() not in answer.body for answer in answers)
