"""Idempotency keys: a request that is sent twice takes effect once (draft-ietf-httpapi-idempotency-key-header)."""

from __future__ import annotations

from dataclasses import dataclass

KEY_LENGTH_MAX = 255
KEPT_DAYS = 8
"""The contract promises 7 days; the purge runs once a day."""


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A merchant's key and the hash of the request that it was sent with."""

    customer_id: str
    key: str
    request_hash: bytes


@dataclass(frozen=True, slots=True)
class KeyClaim:
    """A key together with the answer that it will stand for from now on."""

    key: IdempotencyKey
    answer: bytes


@dataclass(frozen=True, slots=True)
class FirstAnswer:
    """The answer that was given when the key was first used."""

    request_hash: bytes
    answer: bytes
