"""Rate limits by merchant, told as draft-ietf-httpapi-ratelimit-headers says. Off unless a setting asks for them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from falcon.asgi import Request, Response

from psp_api.authentication import Authenticator
from psp_api.problems.catalogue import TOO_MANY_REQUESTS
from psp_api.problems.refusals import FieldProblem, Refusal

WINDOW_S = 60


@dataclass(eq=False)
class RateLimits:
    """Counts the requests of each merchant in windows of a minute. Each worker grants its share."""

    requests_max: int
    clock_s: Callable[[], float] = time.monotonic
    _window: int = -1
    _counts: Counter[str] = field(default_factory=Counter)

    def take(self, merchant: str) -> tuple[int, int]:
        """Count a request; return how many are left (negative when it is too much) and the seconds to the reset."""
        window, passed_s = divmod(self.clock_s(), WINDOW_S)
        if window != self._window:
            # Forgets everybody at once, so that the memory stays bounded.
            self._window = int(window)
            self._counts.clear()
        self._counts[merchant] += 1
        return self.requests_max - self._counts[merchant], max(1, round(WINDOW_S - passed_s))


@dataclass(frozen=True, slots=True)
class RateLimited:
    """An authenticator that also counts, and Falcon middleware that tells the count with every answer."""

    inner: Authenticator
    limits: RateLimits

    async def merchant(self, req: Request, problems: list[FieldProblem]) -> str | None:
        found = await self.inner.merchant(req, problems)
        if found is None:
            return None
        left, reset_s = self.limits.take(found)
        req.context.rate_limit = f'"merchant";r={max(0, left)};t={reset_s}'
        if left < 0:
            detail = f"{self.limits.requests_max} requests a minute are allowed; nothing was stored"
            raise Refusal(TOO_MANY_REQUESTS, detail, headers={"Retry-After": str(reset_s)})
        return found

    async def process_response(self, req: Request, resp: Response, _resource: Any, _succeeded: bool) -> None:
        if rate_limit := getattr(req.context, "rate_limit", None):
            resp.set_header("RateLimit-Policy", f'"merchant";q={self.limits.requests_max};w={WINDOW_S}')
            resp.set_header("RateLimit", rate_limit)
