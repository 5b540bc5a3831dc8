"""Around every request: its id, one log line and its time. Never the body, never the path as it was sent."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import count
from typing import Any

import orjson
from falcon.asgi import Request, Response

from psp_api.server import metrics
from psp_api.server.edge.exchange import ON_GONE
from psp_api.server.wire.headers import sane_request_id
from psp_core.domain.intake.cards import CardNumbers

_NO_ROUTE = "none"
_HUNG_UP = 499
"""Not a status of HTTP: how proxies write in their logs that the client did not wait."""

_LOG_PAUSE_S = 0.05
"""Lines are written together: a line each would cost a tenth of the API's speed. What is killed loses this much."""


@dataclass(eq=False)
class _Log:
    """Lines for standard error. Belongs to one event loop."""

    _lines: list[bytes] = field(default_factory=list)

    def add(self, line: bytes) -> None:
        if not self._lines:
            asyncio.get_running_loop().call_later(_LOG_PAUSE_S, self.write)
        self._lines.append(line)

    def write(self) -> None:
        sys.stderr.buffer.write(b"".join(self._lines))
        sys.stderr.buffer.flush()
        self._lines.clear()


class Observation:
    """Falcon middleware, the outermost one."""

    def __init__(self, *, logs_requests: bool) -> None:
        self._logs_requests = logs_requests
        self._log = _Log()
        # Random for each process, then counted: nobody else has the same, and nothing depends on its being secret.
        self._process = os.urandom(8).hex()
        self._numbers = count(1)

    async def process_shutdown(self, _scope: Any, _event: Any) -> None:
        self._log.write()

    async def process_request(self, req: Request, _resp: Response) -> None:
        context = req.context
        context.started_s = time.perf_counter()
        context.next_request_id = self._next_request_id
        context.request_id = sane_request_id(req.get_header("Request-Id")) or self._next_request_id()
        context.merchant = None
        req.scope[ON_GONE] = partial(self._on_gone, req)

    def _on_gone(self, req: Request) -> None:
        """Note a request whose client has hung up: there is no answer, and it may have been carried out."""
        self._note(req, route=req.uri_template or _NO_ROUTE, status=_HUNG_UP)

    async def process_response(self, req: Request, resp: Response, _resource: Any, _succeeded: bool) -> None:
        context = req.context
        resp.set_header("Request-Id", context.request_id)
        if resp.get_header("Cache-Control") is None:
            # Whatever is said to a merchant is for that merchant: no cache on the way keeps it, a problem included.
            resp.set_header("Cache-Control", "no-store")
        self._note(req, route=req.uri_template or _NO_ROUTE, status=resp.status_code)

    def _note(self, req: Request, *, route: str, status: int) -> None:
        seconds = time.perf_counter() - req.context.started_s
        metrics.observe_request(req.method, route, str(status), seconds)
        if self._logs_requests:
            self._log.add(_line(req, route=route, status=status, seconds=seconds))

    def _next_request_id(self) -> str:
        return f"{self._process}{next(self._numbers):016x}"


def forget(context: Any, numbers: CardNumbers) -> None:
    """Take the request's own card numbers out of what is logged and sent back: nothing but its body tells them."""
    if numbers.are_in(context.request_id):
        context.request_id = context.next_request_id()
    if context.merchant is not None and numbers.are_in(context.merchant):
        context.merchant = None


def _line(req: Request, *, route: str, status: int, seconds: float) -> bytes:
    # Written here and not by the logging library: at thousands a second that would cost a third of the time.
    # Nothing in it comes from the body, and what comes from a header has been checked.
    line = {
        "event": "request",
        "level": "info",
        "timestamp": datetime.now(UTC),
        "request_id": req.context.request_id,
        "merchant": req.context.merchant,
        "method": req.method,
        "route": route,
        "status": status,
        "duration_ms": round(seconds * 1000, 2),
    }
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z)
