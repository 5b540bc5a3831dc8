"""One request and its answer, as ASGI has them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from falcon.asgi import Request, Response

from psp_api.server.edge.body import Body
from psp_api.server.edge.head import Head
from psp_api.server.problems.catalogue import TOO_SLOW
from psp_api.server.problems.refusals import Refusal

REFUSAL = "psp.refusal"
"""The key of the scope that has the Refusal to answer with, or None."""

ON_GONE = "psp.on_gone"
"""The key of the scope under which the application may leave what is called when its client has gone."""

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}
_SKIPPED_BYTES_MAX = 64 * 1024
_BODILESS = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
_VERSIONS = {"version": "3.0", "spec_version": "2.3"}


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a client may take, and how many there may be in a worker.

    `body_bytes_per_s_min` is what has to come once `body_timeout_s` has passed.
    """

    head_timeout_s: float
    body_timeout_s: float
    body_bytes_per_s_min: int
    idle_timeout_s: float
    connections_max: int


@dataclass(frozen=True, slots=True)
class Wire:
    """What an exchange may do with its connection."""

    write: Callable[[bytes], None]
    drained: Callable[[], Awaitable[None]]
    """Wait until the client has taken most of what was written."""
    default_fields: Callable[[], list[tuple[bytes, bytes]]]
    on_taken: Callable[[], None]
    """Some of the body was taken: there is room for more."""

    on_answered: Callable[[Exchange], None]
    on_failed: Callable[[], None]


class CutShort(Exception):
    """An answer that has begun cannot be ended: the connection is, so that the client knows."""


class RefusedAtTheEdge:
    """Falcon middleware: answers, logs and counts what was refused before there was a request like all the others."""

    async def process_request(self, req: Request, _resp: Response) -> None:
        refusal: Refusal | None = req.scope.get(REFUSAL)
        if refusal is not None:
            raise refusal


class Exchange:
    """Gives the body to the application when it is asked for, and sends the answer: whole, or piece by piece."""

    def __init__(self, head: Head, body: Body, limits: Limits, wire: Wire) -> None:
        self.head = head
        self.body = body
        self.keeps_alive = head.keeps_alive
        self._limits = limits
        self._wire = wire
        self._loop = asyncio.get_running_loop()
        self._started_s = self._loop.time()
        self._was_asked = False
        self._is_given = False
        """The application has the whole body."""
        self._is_gone = False
        self._is_answered = False
        self._news: asyncio.Future[None] | None = None
        self._start: dict[str, Any] = {}
        self._streams = False
        """The answer's head is sent, and pieces of its body follow."""

    @property
    def awaits_continue(self) -> bool:
        """Whether the client waits for a word, and may or may not send its body after another one."""
        return self.head.expects_continue and not self.body.received and not self.body.is_done

    async def run(self, app: Any, *, client: Any, server: Any) -> None:
        head = self.head
        scope = {
            "type": "http",
            "asgi": _VERSIONS,
            "http_version": head.version,
            "server": server,
            "client": client,
            "scheme": "http",
            "root_path": "",
            "method": head.method,
            "path": head.path,
            "raw_path": head.raw_path,
            "query_string": head.query,
            "headers": head.fields,
            REFUSAL: head.refusal,
        }
        try:
            await app(scope, self._receive, self._send)
        except asyncio.CancelledError:
            if not self._is_gone:
                raise
            # An answer that had begun is noted already.
            if not self._streams:
                scope.get(ON_GONE, lambda: None)()
        except CutShort:
            # Told by whoever raised it; below, the connection ends in the middle.
            pass
        finally:
            if not self._is_answered:
                self._wire.on_failed()

    def _may_skip(self) -> bool:
        return self.body.left is not None and self.body.left <= _SKIPPED_BYTES_MAX and not self.awaits_continue

    def be_gone(self, task: asyncio.Task[None]) -> None:
        """Let the application end at once, as its client has: told where it listens, otherwise cancelled."""
        self._is_gone = True
        if self._news is not None and not self._news.done():
            self.wake()
        elif self._is_given:
            task.cancel()

    def wake(self) -> None:
        """Tell that the body has grown, or will not."""
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    async def _receive(self) -> dict[str, Any]:
        if self._is_given:
            return await self._end()
        body = self.body
        # The framework asks once before it knows what for: that is no reason to let a body come.
        if self._was_asked:
            while not body.data and not body.is_done and body.refusal is None:
                await self._more()
            if body.refusal is not None:
                raise body.refusal
        self._was_asked = True
        data = bytes(body.data)
        if data:
            body.data.clear()
            self._wire.on_taken()
        self._is_given = body.is_done
        return {"type": "http.request", "body": data, "more_body": not body.is_done}

    async def _end(self) -> dict[str, Any]:
        while not self._is_gone:
            self._news = self._loop.create_future()
            await self._news
        return {"type": "http.disconnect"}

    async def _more(self) -> None:
        if self.awaits_continue:
            self.head.expects_continue = False
            self._wire.write(_CONTINUE)
        limits = self._limits
        allowed_s = limits.body_timeout_s + self.body.received / limits.body_bytes_per_s_min
        self._news = self._loop.create_future()
        try:
            await asyncio.wait_for(self._news, self._started_s + allowed_s - self._loop.time())
        except TimeoutError:
            self.body.fail(Refusal(TOO_SLOW, f"the body came slower than {limits.body_bytes_per_s_min} bytes a second"))

    async def _send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        piece, is_last = message.get("body", b""), not message.get("more_body", False)
        if is_last and not self._streams:
            self._answer(piece)
        else:
            await self._stream(piece, is_last=is_last)

    def _answer(self, content: bytes) -> None:
        status = self._start["status"]
        fields = self._fields()
        # The answer to HEAD says what GET's would, and may leave a length out that nobody knows yet.
        if b"content-length" not in dict(fields) and status not in _BODILESS and self.head.method != "HEAD":
            fields.append((b"content-length", b"%d" % len(content)))
        self._finish(self._head(fields) + (content if self.head.method != "HEAD" else b""))

    async def _stream(self, piece: bytes, *, is_last: bool) -> None:
        """Send a piece as soon as the client has taken those before: no more than a few are ever held."""
        is_chunked = self.head.version == "1.1"
        if not self._streams:
            fields = self._fields()
            if is_chunked:
                fields.append((b"transfer-encoding", b"chunked"))
            else:
                # Old clients read until the connection ends.
                self.keeps_alive = False
            self._wire.write(self._head(fields))
            self._streams = True
        if piece:
            self._wire.write(b"%x\r\n%b\r\n" % (len(piece), piece) if is_chunked else piece)
        if is_last:
            self._finish(b"0\r\n\r\n" if is_chunked else b"")
        else:
            await self._wire.drained()

    def _fields(self) -> list[tuple[bytes, bytes]]:
        return [*self._wire.default_fields(), *self._start["headers"]]

    def _head(self, fields: list[tuple[bytes, bytes]]) -> bytes:
        body = self.body
        # What is left of a small body is skipped; of another one nobody knows how long that takes, or whether it comes.
        self.keeps_alive &= body.refusal is None and (body.is_done or self._may_skip())
        if not self.keeps_alive:
            fields.append((b"connection", b"close"))
        head = _STATUS_LINES[self._start["status"]] + b"".join(
            [name + b": " + value + b"\r\n" for name, value in fields]
        )
        if head.count(b"\n") != len(fields) + 1 or head.count(b"\r") != len(fields) + 1:
            raise ValueError("a header of the answer holds the end of a line")
        return head + b"\r\n"

    def _finish(self, rest: bytes) -> None:
        self._is_answered = True
        self._wire.write(rest)
        self._wire.on_answered(self)
