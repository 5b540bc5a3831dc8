"""A connection: its requests one after the other, each answered once, and a time for everything a client does."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from uvicorn.config import Config
from uvicorn.server import ServerState

from psp_api.server.edge.body import Body, body_of
from psp_api.server.edge.exchange import Exchange, Limits, Wire
from psp_api.server.edge.head import END_OF_HEAD, HEAD_BYTES_MAX, Head, broken_beginning, read_head, refused
from psp_api.server.problems.catalogue import BROKEN_REQUEST, OVERLOADED, TOO_SLOW
from psp_api.server.problems.refusals import Refusal
from psp_core.observability import get_logger

_log = get_logger(__name__)
_LINGER_S = 5
_BUFFERED_BYTES_MAX = 64 * 1024
"""Of what was not asked for yet; then the client has to wait."""

_DISCARDED_BYTES_MAX = 16 * 1024 * 1024
"""Who still sends after the last answer could not read it if we closed at once; beyond this we do."""


_REFUSED_PART = 10
"""So large a part of the connections may be there besides, to be told that there are too many."""


class Connection(asyncio.Protocol):
    """What uvicorn's server makes for each connection; it wants to be told in `connections` and `tasks`."""

    def __init__(
        self, *, config: Config, server_state: ServerState, limits: Limits, **_what_uvicorn_has_for_its_own: Any
    ) -> None:
        self._app = config.loaded_app
        self._server = server_state
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._input = bytearray()
        self._exchange: Exchange | None = None
        self._task: asyncio.Task[None] | None = None
        self._skipped: Body | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._has_begun = False
        """A part of a head has come, and its time runs."""
        self.idle_since_s = self._loop.time()
        """By the event loop's clock, while it is idle."""
        self._is_paused = False
        self._is_writable = True
        self._taken: asyncio.Future[None] | None = None
        """Done once the client has taken most of what was written."""
        self._is_stopping = False
        self._has_ended = False
        self._may_discard = 0
        """Bytes; more than none once the last answer is sent and what still comes is of no interest."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._client = transport.get_extra_info("peername") or None
        self._address = transport.get_extra_info("sockname") or None
        self._wire = Wire(
            write=self._write,
            drained=self._drained,
            default_fields=lambda: self._server.default_headers,
            on_taken=self._throttle,
            on_answered=self._on_answered,
            on_failed=self._transport.abort,
        )
        self._server.connections.add(cast(Any, self))
        self._in(self._limits.head_timeout_s)
        self._find_room()

    @property
    def is_idle(self) -> bool:
        """Whether nothing of a request has come, and nothing is left to be said."""
        is_busy = self._exchange or self._has_begun or self._input or self._skipped or self._may_discard
        return not (is_busy or self._transport.is_closing())

    def _find_room(self) -> None:
        """Where there are too many connections, close the one that is idle for the longest time, or refuse this one."""
        others = cast(set[Connection], self._server.connections) - {self}
        most = self._limits.connections_max
        if len(others) < most:
            return
        idle = min((other for other in others if other.is_idle), key=lambda other: other.idle_since_s, default=None)
        if idle is not None:
            idle.shutdown()
        elif len(others) < most + max(1, most // _REFUSED_PART):
            self._begin(refused(Refusal(OVERLOADED, "there are too many connections")))
        else:
            self._transport.abort()

    def connection_lost(self, _exc: Exception | None) -> None:
        self._server.connections.discard(cast(Any, self))
        self._has_ended = True
        self._stop_timer()
        self._end_of_body()
        if self._exchange is not None and self._task is not None:
            self._exchange.be_gone(self._task)

    def shutdown(self) -> None:
        """End after the request that is being answered; uvicorn asks for it."""
        self._is_stopping = True
        if self._exchange is None:
            self._close()
        else:
            self._exchange.keeps_alive = False

    def data_received(self, data: bytes) -> None:
        if self._may_discard:
            self._may_discard = max(0, self._may_discard - len(data))
            if not self._may_discard:
                self._transport.abort()
            return
        self._input += data
        self._advance()
        self._throttle()

    def eof_received(self) -> bool:
        # Half-closed: who has sent all may still want to read.
        self._has_ended = True
        self._end_of_body()
        if self._exchange is None:
            self._advance()
        return not (self._transport.is_closing() or self._may_discard)

    def pause_writing(self) -> None:
        self._is_writable = False

    def resume_writing(self) -> None:
        self._is_writable = True
        if self._taken is not None and not self._taken.done():
            self._taken.set_result(None)
        self._advance()
        self._throttle()

    def _advance(self) -> None:
        """Go on with what has come, as far as that is possible."""
        if self._exchange is not None:
            self._exchange.body.feed(self._input)
            self._exchange.wake()
            return None
        if self._transport.is_closing() or not self._is_writable:
            return None
        if self._skipped is not None:
            self._skipped.feed(self._input)
            self._skipped.data.clear()
            if not self._skipped.is_done:
                return self._close_if_ended()
            self._skipped = None
            self._in(self._limits.idle_timeout_s)
        head = self._next_head()
        if head is not None:
            return self._begin(head)
        return self._close_if_ended()

    def _next_head(self) -> Head | None:
        if not self._input:
            return None
        end = self._input.find(END_OF_HEAD, 0, HEAD_BYTES_MAX + len(END_OF_HEAD))
        if end >= 0:
            raw = bytes(self._input[:end])
            del self._input[: end + len(END_OF_HEAD)]
            return read_head(raw)
        raw = bytes(self._input[: HEAD_BYTES_MAX + 1])
        if self._has_ended:
            return refused(Refusal(BROKEN_REQUEST, "the request ended in its head"), raw)
        broken = broken_beginning(raw)
        if broken is None and not self._has_begun:
            self._has_begun = True
            self._in(self._limits.head_timeout_s)
        return broken

    def _begin(self, head: Head) -> None:
        self._stop_timer()
        self._has_begun = False
        body = body_of(head)
        body.feed(self._input)
        self._exchange = Exchange(head, body, self._limits, self._wire)
        if self._is_stopping:
            self._exchange.keeps_alive = False
        if self._has_ended:
            self._end_of_body()
        self._task = task = self._loop.create_task(
            self._exchange.run(self._app, client=self._client, server=self._address)
        )
        self._server.tasks.add(task)
        task.add_done_callback(self._on_done)

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._server.tasks.discard(task)
        if not task.cancelled() and (bug := task.exception()) is not None:
            _log.error("bug", exc_info=bug)

    def _end_of_body(self) -> None:
        if self._exchange is not None:
            self._exchange.body.fail(Refusal(BROKEN_REQUEST, "the request ended in its body"))
            self._exchange.wake()

    def _on_answered(self, exchange: Exchange) -> None:
        self._server.total_requests += 1
        self.idle_since_s = self._loop.time()
        self._exchange = None
        if self._transport.is_closing():
            return None
        if not exchange.keeps_alive:
            return self._close() if self._has_ended or self._is_stopping else self._hang_up()
        if not exchange.body.is_done:
            self._skipped = exchange.body
        self._in(self._limits.body_timeout_s if self._skipped else self._limits.idle_timeout_s)
        self._advance()
        return self._throttle()

    def _write(self, data: bytes) -> None:
        # Who has hung up is not told.
        if not self._transport.is_closing():
            self._transport.write(data)

    async def _drained(self) -> None:
        if self._is_writable or self._transport.is_closing():
            return
        self._taken = self._loop.create_future()
        self._in(self._limits.idle_timeout_s)
        try:
            await self._taken
        finally:
            self._stop_timer()

    def _throttle(self) -> None:
        """Let the client wait while there is too much that nobody has asked for."""
        waiting = len(self._input) + (len(self._exchange.body.data) if self._exchange else 0)
        if (waiting > _BUFFERED_BYTES_MAX) == self._is_paused or self._transport.is_closing() or self._has_ended:
            return
        self._is_paused = not self._is_paused
        if self._is_paused:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _hang_up(self) -> None:
        """Say that nothing follows, and wait for the other side to end as well: only then it has read the answer."""
        self._transport.write_eof()
        self._may_discard = _DISCARDED_BYTES_MAX
        self._input.clear()
        self._throttle()
        self._in(_LINGER_S)

    def _close_if_ended(self) -> None:
        if self._has_ended:
            self._close()

    def _close(self) -> None:
        if self._transport.is_closing():
            return
        self._transport.close()
        if self._transport.get_write_buffer_size():
            self._in(self._limits.idle_timeout_s)

    def _in(self, seconds: float) -> None:
        self._stop_timer()
        self._timer = self._loop.call_later(seconds, self._on_time_out)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _on_time_out(self) -> None:
        if self._transport.get_write_buffer_size():
            # Nobody takes the answer.
            self._transport.abort()
        elif self._has_begun:
            self._begin(refused(Refusal(TOO_SLOW, f"a head must have come after {self._limits.head_timeout_s:g} s")))
        else:
            self._close()
