"""Wrong API keys, by the address that they come from: some are free, then each costs a longer pause than the last."""

from __future__ import annotations

import hashlib
import ipaddress
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from falcon.asgi import Request

from psp_api.access.recent import Recent
from psp_api.server.problems.catalogue import TOO_MANY_LOGINS
from psp_api.server.problems.refusals import Refusal

PAUSE_S_MAX = 300
FORGOTTEN_AFTER_S = 3_600
_DOUBLINGS_MAX = 30
_ADDRESSES_MAX = 10_000
_NETWORK_BITS = {4: 32, 6: 64}
"""A house or a server has a whole /64 of IPv6 for its own."""


@dataclass(frozen=True, slots=True)
class _Failures:
    count: int
    last_s: float


@dataclass(eq=False)
class FailedLogins:
    """Each worker counts what it sees; `free` is how many an address may have without a pause.

    A key that was good here goes on, though its address has to pause: the guesses may be a neighbour's.
    """

    free: int
    clock_s: Callable[[], float] = time.monotonic
    _secret: bytes = field(default_factory=lambda: os.urandom(32), repr=False)
    _good: Recent[bool] = field(default_factory=lambda: Recent(_ADDRESSES_MAX))
    _failures: Recent[_Failures] = field(default_factory=lambda: Recent(_ADDRESSES_MAX))

    def require_few(self, address: str, token: str) -> None:
        """Raise Refusal while the address has to pause, unless the token was good before."""
        failures = self._failures.get(address)
        if failures is None or failures.count <= self.free or self._good.get(self._name(token)):
            return
        # A second for the first that is not free, then twice as long each time.
        pause_s = min(PAUSE_S_MAX, 2 ** min(failures.count - self.free - 1, _DOUBLINGS_MAX))
        left_s = failures.last_s + pause_s - self.clock_s()
        if left_s > 0:
            headers = {"Retry-After": str(math.ceil(left_s))}
            raise Refusal(TOO_MANY_LOGINS, "too many wrong API keys came from this address", headers=headers)

    def note_good(self, token: str) -> None:
        self._good.put(self._name(token), True)

    def note_wrong(self, address: str) -> None:
        """Count a wrong key."""
        now_s = self.clock_s()
        before = self._failures.get(address)
        is_new = before is None or before.last_s + FORGOTTEN_AFTER_S < now_s
        self._failures.put(address, _Failures(1 if is_new or before is None else before.count + 1, now_s))

    def _name(self, token: str) -> str:
        # Not the token itself: what lives long in memory is found in its dumps.
        return hashlib.blake2b(token.encode(), key=self._secret, digest_size=16).hexdigest()


def network_of(req: Request, *, trusted_proxies: int) -> str:
    """Return the network that a request came from, as far as it is known for sure.

    Each proxy adds the address that it was reached from to the end of X-Forwarded-For: of so many trusted ones, the
    first has added the client's. What stands before that was sent by the client, and says nothing.
    """
    address = req.remote_addr or ""
    if trusted_proxies:
        forwarded = (req.get_header("X-Forwarded-For") or "").split(",")
        if len(forwarded) >= trusted_proxies:
            address = forwarded[-trusted_proxies].strip()
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        # A Unix socket, or a proxy that is none: one name for all of them.
        return "unknown"
    return str(ipaddress.ip_network((found, _NETWORK_BITS[found.version]), strict=False))
