"""Rate limits by merchant, told as draft-ietf-httpapi-ratelimit-headers says. Off unless a setting asks for them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from falcon.asgi import Request, Response

from psp_api.access.authentication import Authenticator
from psp_api.access.recent import Recent
from psp_api.server.problems.catalogue import TOO_MANY_REQUESTS
from psp_api.server.problems.refusals import FieldProblem, Refusal

WINDOW_S = 60
_MERCHANTS_MAX = 10_000
_PAUSE_S = 0.2
"""Whoever asks on although the minute is used up is told so after this: the answers cost more than to wait."""


@dataclass(eq=False)
class RateLimits:
    """Counts the rows of each merchant in windows of a minute. Each worker grants its share."""

    rows_max: int
    clock_s: Callable[[], float] = time.monotonic
    _window: int = -1
    _counts: Recent[int] = field(default_factory=lambda: Recent(_MERCHANTS_MAX))

    def take(self, merchant: str, *, rows: int = 1) -> tuple[int, int]:
        """Count rows; return how many are left (negative when it is too much) and the seconds to the reset."""
        window, passed_s = divmod(self.clock_s(), WINDOW_S)
        if window != self._window:
            self._window = int(window)
            self._counts.clear()
        taken = (self._counts.get(merchant) or 0) + rows
        self._counts.put(merchant, taken)
        return self.rows_max - taken, max(1, round(WINDOW_S - passed_s))


@dataclass(frozen=True, slots=True)
class RateLimited:
    """An authenticator that also counts, and Falcon middleware that tells the count with every answer.

    A request counts one when it comes, before its body is looked at: whoever has used up the minute costs nothing
    more. What it has more than one row is counted when that is known.
    """

    inner: Authenticator
    limits: RateLimits

    async def merchant(self, req: Request, problems: list[FieldProblem]) -> str | None:
        found = await self.inner.merchant(req, problems)
        if found is not None:
            try:
                self._take(req, found, rows=1)
            except Refusal:
                await asyncio.sleep(_PAUSE_S)
                raise
        return found

    def count(self, req: Request, *, merchant: str, rows: int) -> None:
        self.inner.count(req, merchant=merchant, rows=rows)
        if rows > 1:
            self._take(req, merchant, rows=rows - 1)

    async def process_response(self, req: Request, resp: Response, _resource: Any, _succeeded: bool) -> None:
        if rate_limit := getattr(req.context, "rate_limit", None):
            resp.set_header("RateLimit-Policy", f'"merchant";q={self.limits.rows_max};w={WINDOW_S}')
            resp.set_header("RateLimit", rate_limit)

    def _take(self, req: Request, merchant: str, *, rows: int) -> None:
        left, reset_s = self.limits.take(merchant, rows=rows)
        req.context.rate_limit = f'"merchant";r={max(0, left)};t={reset_s}'
        if left < 0:
            detail = f"{self.limits.rows_max} rows a minute are allowed, a request being at least one"
            raise Refusal(TOO_MANY_REQUESTS, detail, headers={"Retry-After": str(reset_s)})
