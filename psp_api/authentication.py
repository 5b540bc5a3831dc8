"""Who asks: the merchant that a gateway names in a header, or the one that an API key belongs to."""

from __future__ import annotations

from typing import Protocol

from falcon.asgi import Request

from psp_api.problems.refusals import FieldProblem
from psp_api.wire import headers


class Authenticator(Protocol):
    async def merchant(self, req: Request, problems: list[FieldProblem]) -> str | None:
        """Return the merchant's id, or None after adding to `problems` what is wrong with the request.

        Raises Refusal when the caller may not do this.
        """
        ...


class TrustedHeader:
    """For use behind a gateway that has authenticated the caller and sets `x-customer-id`."""

    async def merchant(self, req: Request, problems: list[FieldProblem]) -> str | None:
        found = headers.customer_id(req.get_header("X-Customer-Id"), problems)
        req.context.merchant = found
        return found
