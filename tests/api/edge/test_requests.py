"""The edge of HTTP: what is not understood is refused, one request has one answer, and nothing is guessed."""

from __future__ import annotations

import socket

import pytest

from psp_core.local_stack.supervision.processes import wait_until
from tests.api.bodies import CARD_NUMBER
from tests.api.edge.raw import (
    BODY,
    Answer,
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
from tests.api.server import Api, requests_in

ALICE = "x-customer-id: alice"
JSON = "Content-Type: application/json"
CHUNKED = "Transfer-Encoding: chunked"


def chunked(*parts: bytes, extension: bytes = b"", trailer: bytes = b"") -> bytes:
    chunks = b"".join(b"%x%b\r\n%b\r\n" % (len(part), extension, part) for part in parts)
    return chunks + b"0\r\n" + trailer + b"\r\n"


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


class TestAChunkedBody:
    def test_may_come_in_any_pieces_with_extensions_and_trailers(self, api: Api, merchant: str) -> None:
        whole = head("POST /transactions HTTP/1.1", f"x-customer-id: {merchant}", JSON, CHUNKED) + chunked(
            BODY[:7], BODY[7:8], BODY[8:], extension=b'; a="b"', trailer=b"Expires: never\r\n"
        )

        answers = answers_to(api, *(bytes([byte]) for byte in whole * 2))

        assert [answer.status for answer in answers] == [201, 201]

    @pytest.mark.parametrize("trailer", [b"x-customer-id: alice", b"Authorization: Bearer x", b"Content-Length: 3"])
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


class TestAHeader:
    @pytest.mark.parametrize("name", ["x-customer-id", "Idempotency-Key", "Content-Type"])
    @pytest.mark.parametrize("second", ["a", "b", "application/json"])
    def test_is_refused_when_it_comes_twice(self, api: Api, merchant: str, name: str, second: str) -> None:
        others = {"x-customer-id": merchant, "Idempotency-Key": "a", "Content-Type": "application/json"}
        fields = [f"{other}: {value}" for other, value in others.items()] + [f"{name.upper()}: {second}"]
        asked = head("POST /transactions HTTP/1.1", *fields, f"Content-Length: {len(BODY)}") + BODY

        refused, accepted = answers_to(api, asked, post(merchant))

        refused.require_problem(422, "validation_failed")
        assert refused.json["errors"] == [
            {"pointer": f"header:{name.lower()}", "code": "repeated", "detail": "must be given once"}
        ]
        assert accepted.status == 201
        assert stored(api, merchant) == 1

    @pytest.mark.parametrize("second", ["Bearer a", "Bearer b"])
    def test_with_the_key_is_a_401_when_it_comes_twice(self, api: Api, merchant: str, second: str) -> None:
        answer = answer_to(api, get("/payables", merchant, "Authorization: Bearer a", f"authorization: {second}"))

        answer.require_problem(401, "unauthenticated")
        assert answer.fields["www-authenticate"].startswith("Bearer")

    @pytest.mark.parametrize("space", [" ", "\t", " \t  "])
    def test_is_trimmed(self, api: Api, merchant: str, space: str) -> None:
        named = f"x-customer-id:{space}{merchant}{space}"
        fields = (named, f"{JSON}{space}", f"Content-Length:{space}{len(BODY)}{space}", f"Idempotency-Key: k{space}")

        answers = answers_to(api, *(head("POST /transactions HTTP/1.1", *fields) + BODY for _ in range(2)))

        assert [answer.json["customer_id"] for answer in answers] == [merchant, merchant]
        assert answers[0].json["id"] == answers[1].json["id"]

    @pytest.mark.parametrize(
        "field",
        [
            "x-a : b",
            " x-a: b",
            "x-a",
            ": b",
            "x a: b",
            "x-a: b\x00c",
            "x-a: b\x7f",
            "x-a: b\rc",
            "x-a: b\nc: d",
            "x\u00e9: b",
        ],
    )
    def test_is_refused_when_it_is_none(self, api: Api, merchant: str, field: str) -> None:
        answer_to(api, get("/payables", merchant, field)).require_problem(400, "broken_request")

    def test_goes_not_on_in_the_next_line(self, api: Api) -> None:
        answer_to(api, get("/payables", "ali", " ce")).require_problem(400, "broken_request")

    @pytest.mark.parametrize("encoding", ["gzip", "br", "gzip, identity", "x"])
    def test_that_says_the_body_is_compressed_is_a_415(self, api: Api, merchant: str, encoding: str) -> None:
        answer = answer_to(api, post(merchant, f"Content-Encoding: {encoding}"))

        answer.require_problem(415, "unsupported_media_type")


class TestTheHost:
    @pytest.mark.parametrize(
        "fields",
        [
            (),
            ("Host: a", "Host: a"),
            ("Host: a", "Host: b"),
            ("Host:",),
            ("Host: a b",),
            ("Host: a/b",),
            ("Host: a@b",),
        ],
    )
    def test_is_named_once(self, api: Api, merchant: str, fields: tuple[str, ...]) -> None:
        asked = head("GET /payables HTTP/1.1", f"x-customer-id: {merchant}", *fields, host=None)

        answer_to(api, asked).require_problem(400, "broken_request")

    @pytest.mark.parametrize("host", ["psp", "127.0.0.1:3000", "[::1]:3000", "api.example.com", "PSP_api:80"])
    def test_may_be_a_name_or_an_address(self, api: Api, merchant: str, host: str) -> None:
        assert (
            answer_to(api, head("GET /payables HTTP/1.1", f"x-customer-id: {merchant}", host=f"Host: {host}")).status
            == 200
        )


class TestTheTarget:
    @pytest.mark.parametrize(
        "path",
        [
            "//transactions",
            "//evil.example/transactions",
            "/transactions//",
            "/%2Ftransactions",
            "/transactions%2fbatch",
        ],
    )
    def test_is_a_404_when_it_could_be_another_host_or_another_path(self, api: Api, merchant: str, path: str) -> None:
        answer = answer_to(api, get(f"{path}?limit=1", merchant))

        answer.require_problem(404, "no_such_path")
        assert "link" not in answer.fields

    def test_may_be_a_url_of_the_same_host(self, api: Api, merchant: str) -> None:
        same = answer_to(api, get("http://psp/payables?limit=1", merchant))
        other = answer_to(api, get("http://other/payables?limit=1", merchant))

        assert (same.status, same.json) == (200, [])
        other.require_problem(400, "broken_request")

    @pytest.mark.parametrize(
        "target", ["*", "payables", "psp:80", "ftp://psp/payables", "/payables#a", "/p\u00e9", "http://a@psp/"]
    )
    def test_is_refused_otherwise(self, api: Api, merchant: str, target: str) -> None:
        answer_to(api, get(target, merchant)).require_problem(400, "broken_request")

    def test_is_a_414_when_it_is_too_long(self, api: Api, merchant: str) -> None:
        answer = answer_to(api, get(f"/payables?{'a' * 60_000}", merchant))

        answer.require_problem(414, "target_too_long")
        assert len(answer.body) < 1_000

    def test_has_a_bounded_number_of_parameters(self, api: Api, merchant: str) -> None:
        for path in ("/payables", "/payables/1", "/transactions/1/payables"):
            answer = answer_to(api, get(f"{path}?{'&'.join(f'a{n}=1' for n in range(1_000))}", merchant))

            answer.require_problem(422, "validation_failed")
            assert ("query:", "too_many") in {(error["pointer"], error["code"]) for error in answer.json["errors"]}

    def test_is_repeated_in_part_only(self, api: Api, merchant: str) -> None:
        long = answer_to(api, get(f"/{'a' * 8_000}", merchant))
        named = answer_to(api, get(f"/payables?{'a' * 8_000}=1", merchant))

        long.require_problem(404, "no_such_path")
        assert len(long.body) + len(named.body) < 2_000


class TestARequestLine:
    @pytest.mark.parametrize(
        ("raw", "status", "code"),
        [
            (b"GET /payables\r\n", 400, "broken_request"),
            (b"GET /payables\r\n\r\n", 400, "broken_request"),
            (head("FOO /payables HTTP/1.1"), 400, "broken_request"),
            (head("get /payables HTTP/1.1"), 400, "broken_request"),
            (head("GET  /payables HTTP/1.1"), 400, "broken_request"),
            (head("GET /payables  HTTP/1.1"), 400, "broken_request"),
            (head("GET /pay ables HTTP/1.1"), 400, "broken_request"),
            (head("GET\t/payables HTTP/1.1"), 400, "broken_request"),
            (head("GET /payables HTTP/1.1 "), 400, "broken_request"),
            (head("GET /payables http/1.1"), 400, "broken_request"),
            (head("GET /payables HTTP/11"), 400, "broken_request"),
            (head("GET /payables HTTP/2.0"), 505, "version_not_supported"),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "broken_request"),
            (b"GET /payables HTTP/1.1\nHost: psp\n\n", 400, "broken_request"),
            (b"\r\n\r\n", 400, "broken_request"),
            (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "broken_request"),
            (b"\x00" * 100, 400, "broken_request"),
            (b"GET /payables HT", 400, "broken_request"),
        ],
    )
    def test_is_refused_at_once_when_it_is_none(self, api: Api, raw: bytes, status: int, code: str) -> None:
        answer_to(api, raw).require_problem(status, code)

    def test_is_not_waited_for_in_the_old_way(self, api: Api) -> None:
        with connected(api) as connection:
            connection.sendall(b"GET /payables\r\n")

            assert connection.recv(65_536).startswith(b"HTTP/1.1 400 ")

    def test_may_follow_an_empty_line(self, api: Api, merchant: str) -> None:
        answers = answers_to(api, post(merchant), b"\r\n", post(merchant))

        assert [answer.status for answer in answers] == [201, 201]

    def test_may_be_of_http_1_0_and_ends_the_connection(self, api: Api, merchant: str) -> None:
        asked = head("GET /payables HTTP/1.0", f"x-customer-id: {merchant}", host=None)

        answer = answer_to(api, asked * 2)

        assert (answer.status, answer.fields["connection"]) == (200, "close")


class TestAHead:
    @pytest.mark.parametrize("more", [f"x-more: {'m' * 40_000}", "\r\n".join(f"x-{n}: m" for n in range(200))])
    def test_is_a_431_when_it_is_too_large(self, api: Api, merchant: str, more: str) -> None:
        answer_to(api, get("/payables", merchant, more)).require_problem(431, "head_too_large")

    def test_may_come_byte_by_byte(self, api: Api, merchant: str) -> None:
        answers = answers_to(api, *(bytes([byte]) for byte in post(merchant) * 2))

        assert [answer.status for answer in answers] == [201, 201]

    def test_is_logged_when_it_is_refused(self, api: Api) -> None:
        refused = answer_to(api, head("FOO /payables HTTP/1.1"))
        answer_to(api, head("GET /health/live HTTP/1.1"))

        def is_logged() -> bool:
            return any(line["request_id"] == refused.json["request_id"] for line in requests_in(api))

        assert wait_until(is_logged, timeout_s=10)


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
        document = answer_to(api, head("GET /openapi.json HTTP/1.1"))
        many = 60_000_000 // len(document.body)
        with connected(api) as connection:
            connection.settimeout(3)
            with pytest.raises(TimeoutError):
                connection.sendall(head("GET /openapi.json HTTP/1.1", f"x-more: {'m' * 10_000}") * many)


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
