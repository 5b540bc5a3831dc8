"""Authenticate a merchant's API key, mostly without asking the database."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from psp_core.domain.access import ApiKey, KeyMode, Pepper, Principal, Token
from psp_core.domain.kernel.errors import InvalidCredentials, StorageUnavailable
from psp_core.ports.kernel import Clock
from psp_core.ports.store import Store

CACHED_KEYS_MAX = 10_000
USE_NOTED_EVERY = timedelta(minutes=1)


@dataclass(slots=True)
class _Cached:
    key: ApiKey
    read_at: datetime
    used_at: datetime | None
    """The last use that was, or is about to be, written down."""


@dataclass(frozen=True, slots=True)
class Authenticate:
    """One for the life of a process. It keeps stored HMACs for `cache_ttl`, never tokens.

    An expiry is exact. A revocation takes effect within `cache_ttl` in the processes that know the
    key, and at once in all others.
    """

    store: Store
    clock: Clock
    pepper: Pepper
    mode: KeyMode
    cache_ttl: timedelta
    cached_keys_max: int = CACHED_KEYS_MAX
    _cache: dict[str, _Cached] = field(default_factory=dict, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)
    # Its thread starts with the first key, after the process has forked.
    _writer: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, "key-uses"), init=False, repr=False
    )

    def __call__(self, text: str) -> Principal:
        """Return who holds the token, reading its key from the database if need be: this may block.

        Raises InvalidCredentials or StorageUnavailable.
        """
        token, now = self._parse(text), self.clock.now()
        cached = self._fresh(token, now) or self._read(token, now)
        return self._check(cached, token, now)

    def from_cache(self, text: str) -> Principal | None:
        """Return who holds the token if that is known without I/O, else None: safe in an event loop.

        Raises InvalidCredentials.
        """
        token, now = self._parse(text), self.clock.now()
        cached = self._fresh(token, now)
        return self._check(cached, token, now) if cached else None

    def flush(self) -> None:
        """Wait until every use noted so far is written."""
        self._writer.submit(lambda: None).result()

    def _parse(self, text: str) -> Token:
        token = Token.parse(text)
        if token.mode is not self.mode:
            raise InvalidCredentials(f"this platform takes sk_{self.mode}_ keys")
        return token

    def _fresh(self, token: Token, now: datetime) -> _Cached | None:
        cached = self._cache.get(token.key_id)
        # A clock that was set back must not prolong a key's life.
        return cached if cached and cached.read_at <= now < cached.read_at + self.cache_ttl else None

    def _read(self, token: Token, now: datetime) -> _Cached:
        with self.store.begin() as work:
            key = work.api_keys.find(token.key_id)
        if key is None:
            raise InvalidCredentials("no such API key")
        cached = _Cached(key, read_at=now, used_at=key.last_used_at)
        with self._lock:
            self._cache.pop(key.id, None)
            if len(self._cache) >= self.cached_keys_max:
                self._cache.pop(next(iter(self._cache)))
            self._cache[key.id] = cached
        return cached

    def _check(self, cached: _Cached, token: Token, now: datetime) -> Principal:
        principal = cached.key.authenticate(self.pepper.digest(token), at=now)
        if cached.used_at is None or now >= cached.used_at + USE_NOTED_EVERY:
            cached.used_at = now
            self._writer.submit(self._note_use, principal.key_id, now).add_done_callback(_report)
        return principal

    def _note_use(self, key_id: str, at: datetime) -> None:
        try:
            with self.store.begin() as work:
                work.api_keys.note_use(key_id, at=at, unless_after=at - USE_NOTED_EVERY)
        except StorageUnavailable:
            # Worth no retry: the next use after the key is read again is noted instead.
            return


def _report(written: Future[None]) -> None:
    # What a callback raises is logged by concurrent.futures; without it, a bug here would be silent.
    written.result()
