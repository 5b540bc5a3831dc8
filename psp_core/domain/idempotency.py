"""Idempotency keys: a request that is sent twice takes effect once (draft-ietf-httpapi-idempotency-key-header)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psp_core.domain.transactions import Transaction

KEY_LENGTH_MAX = 255
KEPT_DAYS = 8
"""The contract promises 7 days; the purge runs once a day."""


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A merchant's key and the hash of the request that it was sent with."""

    customer_id: str
    key: str
    request_hash: bytes

    @property
    def identity(self) -> tuple[str, str]:
        """What makes it the same key: merchants do not share theirs."""
        return self.customer_id, self.key


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
