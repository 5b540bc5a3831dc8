"""The head of a request: what is not understood is refused, and nothing is guessed."""

from __future__ import annotations

import pytest

from psp_local.supervision.processes import wait_until
from tests.api.edge.raw import (
    BODY,
    answer_to,
    answers_to,
    connected,
    get,
    head,
    post,
    stored,
)
from tests.api.server import Api, requests_in

JSON = "Content-Type: application/json"


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
            ("Host: a:65536",),
        ],
    )
    def test_is_named_once(self, api: Api, merchant: str, fields: tuple[str, ...]) -> None:
        asked = head("GET /payables HTTP/1.1", f"x-customer-id: {merchant}", *fields, host=None)

        answer_to(api, asked).require_problem(400, "broken_request")

    @pytest.mark.parametrize("host", ["psp", "10.0.0.1:80", "[::1]:3000", "api.example.com", "PSP_api:80", "a:65535"])
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
            (b"\r\n" + head("GET /payables HTTP/1.1"), 400, "broken_request"),
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
