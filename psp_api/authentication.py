"""Who asks: the merchant that a gateway names in a header, or the one that an API key belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from falcon.asgi import Request

from psp_api.problems.catalogue import UNAUTHENTICATED
from psp_api.problems.refusals import FieldProblem, Refusal
from psp_api.readers import Readers
from psp_api.wire import headers
from psp_core.domain.api_keys import Scope
from psp_core.usecases.authenticate import Authenticate

_READING_METHODS = frozenset({"GET", "HEAD"})


class Authenticator(Protocol):
    async def merchant(self, req: Request, problems: list[FieldProblem]) -> str | None:
        """Return the merchant's id, or None after adding to `problems` what is wrong with the request.

        Raises Refusal or a DomainError when the caller may not do this.
        """
        ...


@dataclass(frozen=True, slots=True)
class TrustedHeader:
    """For use behind a gateway that has authenticated the caller and sets `x-customer-id`."""

    async def merchant(self, req: Request, problems: list[FieldProblem]) -> str | None:
        found = headers.customer_id(req.get_header("X-Customer-Id"), problems)
        req.context.merchant = found
        return found


@dataclass(frozen=True, slots=True)
class BearerKey:
    """`Authorization: Bearer sk_live_…`: GET needs the scope `read`, everything else `write`."""

    authenticate: Authenticate
    readers: Readers

    async def merchant(self, req: Request, problems: list[FieldProblem]) -> str | None:
        scheme, _, token = (req.get_header("Authorization") or "").partition(" ")
        token = token.strip(" ")
        if scheme.lower() != "bearer" or not token or " " in token:
            raise Refusal(UNAUTHENTICATED, "send the header Authorization: Bearer, with an API key")
        principal = self.authenticate.from_cache(token)
        if principal is None:
            principal = await self.readers.call(lambda: self.authenticate(token))
        req.context.merchant = principal.customer_id
        principal.require_scope(Scope.READ if req.method in _READING_METHODS else Scope.WRITE)
        named = req.get_header("X-Customer-Id")
        if named is not None:
            if headers.customer_id(named, problems) is None:
                return None
            principal.require_customer(named)
        return principal.customer_id
