"""HTTP by the byte: what no client library would send."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tests.api.bodies import a_body
from tests.api.server import Api

TIMEOUT_S = 20
BODY = json.dumps(a_body()).encode()


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    fields: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def require_problem(self, status: int, code: str) -> None:
        assert (self.status, self.fields.get("content-type")) == (status, "application/problem+json"), self
        assert (self.json["status"], self.json["code"]) == (status, code)
        assert self.json["request_id"] == self.fields["request-id"]


def head(line: str = "POST /transactions HTTP/1.1", *fields: str, host: str | None = "Host: psp") -> bytes:
    return "\r\n".join([line, *([host] if host else []), *fields, "", ""]).encode("latin-1")


def post(merchant: str, *fields: str, body: bytes = BODY, length: int | None = None) -> bytes:
    """Return a POST of a transaction, with `fields` besides the ones that it needs."""
    named = [f"x-customer-id: {merchant}", "Content-Type: application/json"]
    size = f"Content-Length: {len(body) if length is None else length}"
    return head("POST /transactions HTTP/1.1", *named, size, *fields) + body


def get(path: str, merchant: str, *fields: str) -> bytes:
    return head(f"GET {path} HTTP/1.1", f"x-customer-id: {merchant}", *fields)


@contextmanager
def connected(api: Api) -> Iterator[socket.socket]:
    url = httpx.URL(api.url)
    with socket.create_connection((url.host, url.port), timeout=TIMEOUT_S) as connection:
        yield connection


def answers_to(api: Api, *pieces: bytes) -> list[Answer]:
    """Send the pieces, say that nothing follows, and return every answer until the other side hangs up."""
    with connected(api) as connection:
        for piece in pieces:
            connection.sendall(piece)
        connection.shutdown(socket.SHUT_WR)
        return split(everything(connection))


def answer_to(api: Api, *pieces: bytes) -> Answer:
    """Return the only answer."""
    [answer] = answers_to(api, *pieces)
    return answer


def everything(connection: socket.socket) -> bytes:
    """Return what comes until the other side hangs up. Raises TimeoutError when it does not."""
    return b"".join(iter(lambda: connection.recv(65_536), b""))


def split(raw: bytes) -> list[Answer]:
    """Return the answers, none of them to HEAD. Fails when anything else is between or behind them."""
    found: list[Answer] = []
    while raw:
        text, end, raw = raw.partition(b"\r\n\r\n")
        assert end, text
        line, *lines = text.decode("latin-1").split("\r\n")
        version, status, _ = line.split(" ", 2)
        assert version == "HTTP/1.1"
        if status == "100":
            continue
        fields = {name.lower(): value for name, value in (field.split(": ", 1) for field in lines)}
        size = int(fields["content-length"])
        assert len(raw) >= size
        found.append(Answer(int(status), fields, raw[:size]))
        raw = raw[size:]
    return found


def stored(api: Api, merchant: str) -> int:
    """Return how many transactions the merchant has."""
    with api.client(merchant) as client:
        return len(client.get("/transactions").json())
