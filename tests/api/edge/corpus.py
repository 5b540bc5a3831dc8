"""Requests to begin with, right ones and wrong ones, and what is put into them."""

from __future__ import annotations

import random

from tests.api.edge.raw import BODY, get, head, post

_FIELDS = ("x-customer-id: fuzz", "Content-Type: application/json")
_CHUNKED = b"%x\r\n%b\r\n%x;a=b\r\n%b\r\n0\r\nx-customer-id: alice\r\n\r\n" % (9, BODY[:9], len(BODY) - 9, BODY[9:])
_ANOTHER = b"GET /another HTTP/1.1\r\nHost: psp\r\n\r\n"

CORPUS: dict[bytes, int] = {
    post("fuzz"): 201,
    post("fuzz", "Idempotency-Key: fuzz"): 201,
    post("fuzz", "Expect: 100-continue"): 201,
    post("fuzz", "Connection: Upgrade", "Upgrade: h2c"): 201,
    post("fuzz", body=_ANOTHER): 400,
    post("fuzz", body=b"{}"): 422,
    post("fuzz", body=b"[" * 500): 400,
    post("fuzz", "Content-Encoding: gzip"): 415,
    head("POST /transactions HTTP/1.1", *_FIELDS, "Transfer-Encoding: chunked") + _CHUNKED: 201,
    head("POST /transactions/batch HTTP/1.1", *_FIELDS, f"Content-Length: {len(BODY) * 2 + 3}")
    + b"[%b,%b]" % (BODY, BODY): 201,
    get("/payables?limit=3&status=paid", "fuzz"): 200,
    get("/transactions/00000000-0000-7000-8000-000000000000", "fuzz", "If-None-Match: *"): 404,
    get("//another/transactions", "fuzz"): 404,
    get("http://psp/settlements", "fuzz"): 200,
    get("/payables?a=1&b=2&a=3", "fuzz"): 422,
    head("OPTIONS /payables HTTP/1.1"): 200,
    head("DELETE /payables HTTP/1.1", "Content-Length: 3") + b"abc": 405,
    head("GET /health/live HTTP/1.1"): 200,
}
"""What is sent, and the status that it is answered with. All of them let the next request follow."""

_TOKENS = (
    *(b"\r\n", b"\n", b"\r", b"\0", b":", b" ", b"\t", b"\xff", b"\r\n\r\n", b"\r\n ", b"0", b";", b",", b"%", b"//"),
    *(b"Content-Length: 5\r\n", b"Content-Length: 300\r\n", b"Transfer-Encoding: chunked\r\n", b"Host: b\r\n"),
    *(b"Transfer-Encoding: gzip, chunked\r\n", b"Expect: 100-continue\r\n", b"Connection: close\r\n"),
    *(b"Connection: Upgrade\r\nUpgrade: websocket\r\n", b"x-customer-id: alice\r\n", b"Authorization: Bearer x\r\n"),
    *(b"0\r\n\r\n", b"5\r\nhello\r\n", b"ffffffff\r\n", _ANOTHER, b"HTTP/1.0", b"HTTP/0.9", b"PRI * HTTP/2.0\r\n\r\n"),
    *(b"NaN", b'"amount": 1,', b"[", b"{", b"a" * 9_000, b"x: y\r\n" * 120),
)


def mutated(raw: bytes, chance: random.Random) -> bytes:
    """Return it with a few changes."""
    for _ in range(chance.randint(1, 4)):
        start = chance.randrange(len(raw) + 1)
        end = min(len(raw), start + chance.choice((1, 1, 2, 8, 40)))
        place = chance.choice([match for match in (start, raw.find(b"\r\n", start) + 2) if match >= 0])
        raw = chance.choice(
            (
                raw[:start] + raw[end:],
                raw[:end] + raw[start:],
                raw[:start] + bytes(chance.randrange(256) for _ in range(end - start)) + raw[end:],
                raw[:place] + chance.choice(_TOKENS) + raw[place:],
                raw[:place] + chance.choice(_TOKENS) + raw[place:],
                raw[:end],
            )
        )
    return raw


def pieces(raw: bytes, chance: random.Random) -> list[bytes]:
    """Cut it anywhere."""
    cuts = sorted(chance.randrange(len(raw) + 1) for _ in range(chance.choice((0, 0, 1, 3, 20))))
    return [raw[start:end] for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True) if start < end]
