"""Manage the merchants' API keys: create, list, rotate and revoke them."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from psp_core.domain.api_keys import (
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
from psp_core.domain.errors import ApiKeyNotActive, ApiKeysNotConfigured, NotFound
from psp_core.ports import Clock, Store, UnitOfWork

LISTED_KEYS_MAX = 1_000
OVERLAP_MAX = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class ManageApiKeys:
    """A merchant may have several keys. Without a pepper, keys can still be listed and revoked."""

    store: Store
    clock: Clock
    pepper: Pepper | None
    mode: KeyMode

    def create(self, customer_id: str, *, scopes: Iterable[Scope], mode: KeyMode | None = None) -> IssuedKey:
        """Store and return a new key of the platform's mode; its token can never be shown again.

        Raises ApiKeysNotConfigured, or ValueError for a bad customer id or no scope.
        """
        issued = self._issue(checked_customer(customer_id), checked_scopes(scopes), mode or self.mode)
        with self.store.begin() as work:
            work.api_keys.add(issued.key)
        return issued

    def rotate(self, key_id: str, *, overlap: timedelta) -> IssuedKey:
        """Return a new key like the old one, which goes on working for `overlap` (0 to OVERLAP_MAX).

        An earlier end of the old key stays. Raises NotFound, ApiKeyNotActive, ApiKeysNotConfigured,
        or ValueError for another overlap: then the old key is as it was.
        """
        if not timedelta() <= overlap <= OVERLAP_MAX:
            raise ValueError(f"an overlap lasts 0 to {OVERLAP_MAX // timedelta(hours=1)} hours")
        now = self.clock.now()
        with self.store.begin() as work:
            old = work.api_keys.expire(key_id, at=now + overlap, now=now)
            if old is None:
                raise _refusal(work, key_id)
            issued = self._issue(old.customer_id, old.scopes, old.mode)
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

    def _issue(self, customer_id: str, scopes: frozenset[Scope], mode: KeyMode) -> IssuedKey:
        if self.pepper is None:
            raise ApiKeysNotConfigured("API keys need a pepper: set PSP_API_KEY_PEPPER (openssl rand -hex 32)")
        if mode is not self.mode:
            raise ApiKeysNotConfigured(f"this platform takes {self.mode} keys only: see PSP_API_KEY_MODE")
        token = Token.build(mode, id_number=secrets.randbits(ID_BITS), secret_number=secrets.randbits(SECRET_BITS))
        key = ApiKey(
            id=token.key_id,
            customer_id=customer_id,
            mode=mode,
            scopes=scopes,
            token_hmac=self.pepper.digest(token),
            created_at=self.clock.now(),
        )
        return IssuedKey(key, token)


def _refusal(work: UnitOfWork, key_id: str) -> NotFound | ApiKeyNotActive:
    if work.api_keys.find(key_id) is None:
        return NotFound("no such API key")
    return ApiKeyNotActive("this API key has expired or was revoked: create a new one")
