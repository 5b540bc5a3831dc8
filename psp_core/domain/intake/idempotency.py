"""Idempotency keys: a request that is sent twice takes effect once (draft-ietf-httpapi-idempotency-key-header)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from psp_core.domain.intake.transactions import Transaction
from psp_core.domain.kernel.errors import IdempotencyKeyReused, RequestInProgress

KEY_LENGTH_MAX = 255
HASH_LENGTH_OF_VERSION_1 = 32


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A merchant's key and the hash of the request that it was sent with.

    A hash begins with the version of its form; HASH_LENGTH_OF_VERSION_1 is that of the first, which has none.
    """

    customer_id: str
    key: str
    request_hash: bytes
    first_version: Callable[[], bytes] | None = field(default=None, compare=False, repr=False)
    """Makes the hash in its first form, for a key that is in the table from then."""

    @property
    def identity(self) -> tuple[str, str]:
        """What makes it the same key: merchants do not share theirs."""
        return self.customer_id, self.key

    def is_of(self, stored: bytes) -> bool:
        """Tell whether the stored hash is of this request.

        A hash of a version that comes after ours, as while two releases run side by side, can't be compared: the key
        alone decides then. To refuse an honest retry would cost an order, and those who reuse a key are told a
        minute later.
        """
        if len(stored) == HASH_LENGTH_OF_VERSION_1:
            return self.first_version is not None and stored == self.first_version()
        return stored == self.request_hash or stored[:1] > self.request_hash[:1]


@dataclass(frozen=True, slots=True)
class KeyClaim:
    """A key together with the answer that it will stand for from now on."""

    key: IdempotencyKey
    answer: bytes


@dataclass(frozen=True, slots=True)
class Intake:
    """Transactions that are stored together: at any time without a claim, and once with one."""

    rows: Sequence[Transaction]
    claim: KeyClaim | None = None


@dataclass(frozen=True, slots=True)
class FirstAnswer:
    """The answer that was given when the key was first used."""

    request_hash: bytes
    answer: bytes

    def to(self, key: IdempotencyKey) -> bytes | IdempotencyKeyReused:
        """Return what whoever sends the key again is answered, or is refused with."""
        if not key.is_of(self.request_hash):
            return IdempotencyKeyReused("this idempotency key was used before with another request")
        return self.answer


def in_progress() -> RequestInProgress:
    """Return what whoever sends the key is refused with while the first request is worked on."""
    return RequestInProgress("a request with this idempotency key is being worked on")
