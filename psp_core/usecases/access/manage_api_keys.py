"""Manage the merchants' API keys: create, list, rotate and revoke them."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from psp_core.domain.access import (
    ID_BITS,
    SECRET_BITS,
    ApiKey,
    IssuedKey,
    KeyMode,
    Pepper,
    Scope,
    Token,
    checked_customer,
    checked_scopes,
)
from psp_core.domain.kernel.errors import ApiKeyNotActive, ApiKeysNotConfigured, NotFound
from psp_core.ports.kernel import Clock
from psp_core.ports.store import Store, UnitOfWork

LISTED_KEYS_MAX = 1_000
OVERLAP_MAX = timedelta(days=30)
LIFETIME_MAX = timedelta(days=3_650)


@dataclass(frozen=True, slots=True)
class ManageApiKeys:
    """A merchant may have several keys. Without a pepper, keys can still be listed and revoked."""

    store: Store
    clock: Clock
    pepper: Pepper | None
    mode: KeyMode

    def create(
        self,
        customer_id: str,
        *,
        scopes: Iterable[Scope],
        mode: KeyMode | None = None,
        expires_in: timedelta | None = None,
    ) -> IssuedKey:
        """Store and return a new key of the platform's mode; its token can never be shown again.

        It works for `expires_in` (more than 0, at most LIFETIME_MAX), or for ever when that is None. Raises
        ApiKeysNotConfigured, or ValueError for a bad customer id, no scope or another lifetime.
        """
        if expires_in is not None and not timedelta() < expires_in <= LIFETIME_MAX:
            raise ValueError(f"a key that expires works for 1 to {LIFETIME_MAX.days} days")
        issued = self._issue(checked_customer(customer_id), checked_scopes(scopes), mode or self.mode, expires_in)
        with self.store.begin() as work:
            work.api_keys.add(issued.key)
        return issued

    def rotate(self, key_id: str, *, overlap: timedelta) -> IssuedKey:
        """Return a new key like the old one, for a lifetime as long; the old one works on for `overlap`.

        That is 0 to OVERLAP_MAX; an earlier end of the old key stays. Raises NotFound, ApiKeyNotActive,
        ApiKeysNotConfigured, or ValueError for another overlap: then the old key is as it was.
        """
        if not timedelta() <= overlap <= OVERLAP_MAX:
            raise ValueError(f"an overlap lasts 0 to {OVERLAP_MAX // timedelta(hours=1)} hours")
        now = self.clock.now()
        with self.store.begin() as work:
            before = work.api_keys.find(key_id)
            old = work.api_keys.expire(key_id, at=now + overlap, now=now)
            if before is None or old is None:
                raise _refusal(work, key_id)
            issued = self._issue(old.customer_id, old.scopes, old.mode, before.lifetime)
            work.api_keys.add(issued.key)
        return issued

    def revoke(self, key_id: str) -> ApiKey:
        """Return the key, revoked now or before. Processes that have it cached take it until their copy is too old.

        Raises NotFound.
        """
        with self.store.begin() as work:
            key = work.api_keys.revoke(key_id, now=self.clock.now())
        if key is None:
            raise NotFound("no such API key")
        return key

    def list(self, *, customer_id: str | None = None) -> Sequence[ApiKey]:
        """Return the merchant's keys, or everybody's, oldest first; at most LISTED_KEYS_MAX."""
        with self.store.begin() as work:
            return work.api_keys.list(customer_id=customer_id, limit=LISTED_KEYS_MAX)

    def _issue(
        self, customer_id: str, scopes: frozenset[Scope], mode: KeyMode, lifetime: timedelta | None
    ) -> IssuedKey:
        if self.pepper is None:
            raise ApiKeysNotConfigured("API keys need a pepper: set PSP_API_KEY_PEPPER (openssl rand -hex 32)")
        if mode is not self.mode:
            raise ApiKeysNotConfigured(f"this platform takes {self.mode} keys only: see PSP_API_KEY_MODE")
        now = self.clock.now()
        token = Token.build(mode, id_number=secrets.randbits(ID_BITS), secret_number=secrets.randbits(SECRET_BITS))
        key = ApiKey(
            id=token.key_id,
            customer_id=customer_id,
            mode=mode,
            scopes=scopes,
            token_hmac=self.pepper.digest(token),
            created_at=now,
            expires_at=None if lifetime is None else now + lifetime,
        )
        return IssuedKey(key, token)


def _refusal(work: UnitOfWork, key_id: str) -> NotFound | ApiKeyNotActive:
    if work.api_keys.find(key_id) is None:
        return NotFound("no such API key")
    return ApiKeyNotActive("this API key has expired or was revoked: create a new one")
