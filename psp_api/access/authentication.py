"""Who asks: the merchant that a gateway names in a header, or the one that an API key belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from falcon.asgi import Request

from psp_api.access.failed_logins import FailedLogins, network_of
from psp_api.server.activity import NOBODYS
from psp_api.server.fair_threads import FairThreads
from psp_api.server.problems.catalogue import UNAUTHENTICATED
from psp_api.server.problems.refusals import FieldProblem, Refusal
from psp_api.server.wire import headers
from psp_core.domain.access import Principal, Scope
from psp_core.domain.kernel.errors import InvalidCredentials
from psp_core.usecases.access.authenticate import Authenticate

_READING_METHODS = frozenset({"GET", "HEAD"})


class Authenticator(Protocol):
    async def merchant(self, req: Request, problems: list[FieldProblem]) -> str | None:
        """Return the merchant's id, or None after adding to `problems` what is wrong with the request.

        Raises Refusal or a DomainError when the caller may not do this.
        """
        ...

    def count(self, req: Request, *, merchant: str, rows: int) -> None:
        """Count what the request turns out to be, in rows. Raises Refusal when that is too much."""
        ...


class _Uncounted:
    __slots__ = ()

    def count(self, req: Request, *, merchant: str, rows: int) -> None:
        """Count nothing: there is no rate limit."""


@dataclass(frozen=True, slots=True)
class TrustedHeader(_Uncounted):
    """For use behind a gateway that has authenticated the caller and sets `x-customer-id`."""

    async def merchant(self, req: Request, problems: list[FieldProblem]) -> str | None:
        found = headers.customer_id(req.get_header("X-Customer-Id"), problems)
        req.context.merchant = found
        return found


@dataclass(frozen=True, slots=True)
class BearerKey(_Uncounted):
    """`Authorization: Bearer sk_live_…`: GET needs the scope `read`, everything else `write`."""

    authenticate: Authenticate
    readers: FairThreads
    failed_logins: FailedLogins
    trusted_proxies: int

    async def merchant(self, req: Request, problems: list[FieldProblem]) -> str | None:
        scheme, _, token = (req.get_header("Authorization") or "").partition(" ")
        token = token.strip(" ")
        if scheme.lower() != "bearer" or not token or " " in token:
            raise Refusal(UNAUTHENTICATED, "send the header Authorization: Bearer, with an API key")
        principal = await self._principal(req, token)
        req.context.merchant = principal.customer_id
        principal.require_scope(Scope.READ if req.method in _READING_METHODS else Scope.WRITE)
        named = req.get_header("X-Customer-Id")
        if named is not None:
            if headers.customer_id(named, problems) is None:
                return None
            principal.require_customer(named)
        return principal.customer_id

    async def _principal(self, req: Request, token: str) -> Principal:
        network = network_of(req, trusted_proxies=self.trusted_proxies)
        try:
            if (known := self.authenticate.from_cache(token)) is not None:
                return known
            self.failed_logins.require_few(network, token)
            # Those who have not proved yet who they are wait by network.
            found = await self.readers.call(lambda _: self.authenticate(token), merchant=f"{NOBODYS}{network}")
        except InvalidCredentials:
            self.failed_logins.require_few(network, token)
            self.failed_logins.note_wrong(network)
            raise
        self.failed_logins.note_good(token)
        return found
