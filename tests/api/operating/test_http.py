"""What every HTTP client relies on: statuses, problem documents, request ids."""

from __future__ import annotations

import json
import re
import socket

import httpx
import pytest

from tests.api.bodies import CARD_NUMBER, a_body
from tests.api.server import Api

JSON = {"Content-Type": "application/json"}


def assert_is_problem(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json"), answer.text
    body = answer.json()
    assert set(body) - {"errors"} == {"type", "title", "status", "detail", "instance", "code", "request_id"}
    assert (body["status"], body["code"], body["type"]) == (status, code, f"/docs#{code}")
    assert body["request_id"] == answer.headers["Request-Id"]


class TestAProblem:
    @pytest.mark.parametrize("body", ["", "{", "{'a': 1}", '{"a": 1,}', "\xff", "[" * 10_000, '{"a":1} {}'])
    def test_is_400_for_broken_json(self, client: httpx.Client, body: str) -> None:
        answer = client.post("/transactions", content=body.encode("latin-1"), headers=JSON)

        assert_is_problem(answer, 400, "broken_json")

    @pytest.mark.parametrize(
        "media_type",
        ["text/plain", "application/xml", "application/x-www-form-urlencoded", "application/json; charset=latin-1", ""],
    )
    @pytest.mark.parametrize("path", ["/transactions", "/transactions/batch"])
    def test_is_415_for_another_media_type(self, client: httpx.Client, path: str, media_type: str) -> None:
        answer = client.post(path, content=json.dumps(a_body()), headers={"Content-Type": media_type})

        assert_is_problem(answer, 415, "unsupported_media_type")

    @pytest.mark.parametrize("media_type", ["application/json; charset=utf-8", "Application/JSON;charset=UTF-8"])
    def test_is_not_made_of_a_charset_that_is_utf_8(self, client: httpx.Client, media_type: str) -> None:
        answer = client.post("/transactions", content=json.dumps(a_body()), headers={"Content-Type": media_type})

        assert answer.status_code == 201

    @pytest.mark.parametrize("chunked", [False, True])
    def test_is_413_for_a_body_over_64_kib(self, client: httpx.Client, chunked: bool) -> None:
        def body_of(size: int) -> bytes:
            return json.dumps(a_body(description="x" * (size - len(json.dumps(a_body(description="")))))).encode()

        def post(raw: bytes) -> httpx.Response:
            return client.post("/transactions", content=iter([raw]) if chunked else raw, headers=JSON)

        assert post(body_of(64 * 1024)).status_code == 201
        assert_is_problem(post(body_of(64 * 1024 + 1)), 413, "body_too_large")
        assert len(client.get("/transactions").json()) == 1

    def test_is_413_for_a_batch_over_1_mib(self, client: httpx.Client) -> None:
        answer = client.post("/transactions/batch", json=[a_body(description="x" * 20_000)] * 60)

        assert_is_problem(answer, 413, "body_too_large")

    @pytest.mark.parametrize("path", ["/", "/transaction", "/transactions/1/2/3", "/payables/1/transactions"])
    def test_is_404_for_an_unknown_path(self, client: httpx.Client, path: str) -> None:
        assert_is_problem(client.get(path), 404, "no_such_path")

    @pytest.mark.parametrize(
        ("method", "path", "allowed"),
        [
            ("DELETE", "/transactions", {"GET", "HEAD", "POST", "OPTIONS"}),
            ("PATCH", "/transactions/1", {"GET", "HEAD", "OPTIONS"}),
            ("GET", "/transactions/batch", {"POST", "OPTIONS"}),
            ("POST", "/payables", {"GET", "HEAD", "OPTIONS"}),
            ("TRACE", "/payables", {"GET", "HEAD", "OPTIONS"}),
            ("QUERY", "/payables", {"GET", "HEAD", "OPTIONS"}),
        ],
    )
    def test_is_405_with_allow_for_another_method(
        self, client: httpx.Client, method: str, path: str, allowed: set[str]
    ) -> None:
        answer = client.request(method, path)

        assert_is_problem(answer, 405, "method_not_allowed")
        assert set(answer.headers["Allow"].split(", ")) == allowed

    def test_says_that_nothing_was_stored_to_those_only_who_wanted_it(self, client: httpx.Client) -> None:
        head = {"x-customer-id": ""}

        written = [client.post("/transactions", json={}), client.post("/transactions/batch", json=[{}], headers=head)]
        read = [
            client.get("/transactions?limit=x"),
            client.get("/payables/1?colour=red"),
            client.get("/settlements", headers=head),
            client.get("/payables", headers=[("x-customer-id", "1"), ("x-customer-id", "1")]),
        ]

        assert {answer.status_code for answer in [*written, *read]} == {422}
        assert all(answer.json()["detail"].endswith("; nothing was stored") for answer in written)
        assert not any("stored" in answer.text for answer in read)

    def test_never_holds_a_card_number_from_the_path(self, client: httpx.Client) -> None:
        for path in ("/transactions", f"/transactions/{CARD_NUMBER}", f"/{CARD_NUMBER}"):
            answer = client.get(f"{path}?card={CARD_NUMBER}&{CARD_NUMBER}=1&{CARD_NUMBER}=2")
            assert answer.status_code in (404, 422)
            assert CARD_NUMBER not in answer.text


class TestWhatIsSaid:
    @pytest.mark.parametrize(
        "path",
        ["/transactions", "/payables", "/settlements", "/payables/1", "/payables?limit=x", "/none", "/health/live"],
    )
    def test_is_kept_by_no_cache_on_the_way(self, client: httpx.Client, path: str) -> None:
        assert client.get(path).headers["Cache-Control"] == "no-store"

    @pytest.mark.parametrize("body", [a_body(), {}])
    def test_is_kept_by_none_after_a_post_either(self, client: httpx.Client, body: dict[str, object]) -> None:
        created = client.post("/transactions", json=body)

        assert created.headers["Cache-Control"] == "no-store"
        if created.status_code == 201:
            one = client.get(f"/transactions/{created.json()['id']}")
            again = client.get(one.request.url.path, headers={"If-None-Match": one.headers["ETag"]})
            assert [(it.status_code, it.headers["Cache-Control"]) for it in (one, again)] == [
                (200, "no-store"),
                (304, "no-store"),
            ]

    @pytest.mark.parametrize("path", ["/docs", "/docs/docs.js"])
    def test_is_framed_by_nobody_and_sends_no_form(self, client: httpx.Client, path: str) -> None:
        policy = client.get(path).headers["Content-Security-Policy"].split("; ")

        assert {"frame-ancestors 'none'", "form-action 'none'", "base-uri 'none'", "default-src 'none'"} <= set(policy)


class TestTheRequestId:
    def test_is_new_for_every_answer(self, client: httpx.Client) -> None:
        ids = {client.get(path).headers["Request-Id"] for path in ("/transactions", "/payables", "/nowhere")}

        assert len(ids) == 3
        assert all(re.fullmatch("[0-9a-f]{32}", id) for id in ids)

    def test_is_the_callers_own_when_it_is_sane(self, client: httpx.Client) -> None:
        answer = client.get("/nowhere", headers={"Request-Id": "order-66.a_b"})

        assert answer.headers["Request-Id"] == answer.json()["request_id"] == "order-66.a_b"

    @pytest.mark.parametrize("id", ["x" * 129, "a b", "<script>", "caf\u00e9", CARD_NUMBER])
    def test_is_not_the_callers_own_otherwise(self, client: httpx.Client, id: str) -> None:
        answer = client.get("/transactions", headers=[(b"Request-Id", id.encode("latin-1"))])

        assert re.fullmatch("[0-9a-f]{32}", answer.headers["Request-Id"])


class TestHead:
    @pytest.mark.parametrize("path", ["/transactions", "/payables", "/settlements", "/health/live"])
    def test_answers_like_get_without_the_body(self, client: httpx.Client, path: str) -> None:
        head, get = client.head(path), client.get(path)

        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["Content-Length"] == get.headers["Content-Length"]


class TestAConnection:
    def test_is_kept_after_an_error(self, api: Api, merchant: str) -> None:
        with api.client(merchant) as client:
            for _ in range(3):
                assert client.post("/transactions", json={}).status_code == 422
                assert client.post("/transactions", json=a_body()).status_code == 201

    def test_says_at_once_that_the_body_may_come(self, api: Api, merchant: str) -> None:
        url = httpx.URL(api.url)
        body = json.dumps(a_body()).encode()
        head = f"POST /transactions HTTP/1.1\r\nHost: psp\r\nx-customer-id: {merchant}\r\nConnection: close\r\n"
        more = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
        with socket.create_connection((url.host, url.port), timeout=10) as connection:
            connection.sendall((head + more).encode())
            assert connection.recv(65_536) == b"HTTP/1.1 100 Continue\r\n\r\n"
            connection.sendall(body)
            answer = b"".join(iter(lambda: connection.recv(65_536), b""))

        assert answer.startswith(b"HTTP/1.1 201 Created\r\n")
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["customer_id"] == merchant


class TestARequestsHead:
    def test_must_end(self, api: Api) -> None:
        url = httpx.URL(api.url)
        with socket.create_connection((url.host, url.port), timeout=10) as connection:
            connection.sendall(b"GET /payables HTTP/1.1\r\nHost: psp\r\nx-customer-id: 1\r\n")
            with pytest.raises(ConnectionError):
                connection.sendall(b"x-more: " + b"m" * 60_000_000 + b"\r\n")

    def test_may_come_with_a_large_body(self, client: httpx.Client) -> None:
        assert client.post("/transactions/batch", json=[a_body() for _ in range(1_000)]).status_code == 201
