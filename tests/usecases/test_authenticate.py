from __future__ import annotations

import string
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from pydantic import SecretStr

from psp_core.bootstrap import Core, build_core
from psp_core.domain.access import ApiKey, IssuedKey, Scope
from psp_core.domain.kernel.errors import (
    InvalidCredentials,
    StorageUnavailable,
)
from psp_core.ports.store import UnitOfWork
from psp_core.settings import Settings
from psp_core.usecases.access.authenticate import Authenticate
from tests.builders import NOON, SettableClock
from tests.wrapped import WrappedStore

PEPPER = "0123456789abcdef0123456789abcdef"
TTL = timedelta(seconds=10)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"api_key_pepper": SecretStr(PEPPER)})


@dataclass
class CountingStore(WrappedStore):
    """The real store, and how often it was asked."""

    begun: int = 0

    def begin(self) -> AbstractContextManager[UnitOfWork]:
        self.begun += 1
        return self.store.begin()


def create(core: Core, customer_id: str = "merchant-1", *, scopes: Sequence[Scope] = (Scope.READ,)) -> IssuedKey:
    return core.manage_api_keys.create(customer_id, scopes=scopes)


def stored(core: Core, issued: IssuedKey) -> ApiKey:
    with core.store.begin() as work:
        key = work.api_keys.find(issued.key.id)
    assert key is not None
    return key


def a_second_process(core: Core) -> Authenticate:
    return replace(core.authenticate)


class TestAuthenticate:
    def test_refuses_a_token_with_any_one_character_changed(self, core: Core) -> None:
        token = create(core).token.text
        letters = string.ascii_letters + string.digits + "_"

        for at, letter in enumerate(token):
            changed = token[:at] + letters[(letters.index(letter) + 1) % len(letters)] + token[at + 1 :]
            with pytest.raises(InvalidCredentials):
                core.authenticate(changed)
            with pytest.raises(InvalidCredentials):
                a_second_process(core)(changed)

    def test_refuses_every_key_once_the_pepper_is_another(self, core: Core, settings: Settings) -> None:
        token = create(core).token.text
        other = replace(core, settings=settings.model_copy(update={"api_key_pepper": SecretStr(PEPPER[::-1])}))

        with pytest.raises(InvalidCredentials):
            other.authenticate(token)

    def test_asks_the_database_once_in_the_caches_time(self, core: Core, clock: SettableClock) -> None:
        store = CountingStore(core.store)
        issued = create(core)
        authenticate = replace(core.authenticate, store=store)
        assert authenticate.from_cache(issued.token.text) is None

        for _ in range(20):
            authenticate(issued.token.text)
            assert authenticate.from_cache(issued.token.text) is not None

        authenticate.flush()
        assert store.begun == 2  # one read, and one note of its use
        clock.instant += TTL
        assert authenticate.from_cache(issued.token.text) is None
        authenticate(issued.token.text)
        assert store.begun == 3

    def test_never_trusts_the_cache_without_the_whole_token(self, core: Core) -> None:
        token = create(core).token.text
        core.authenticate(token)

        with pytest.raises(InvalidCredentials):
            core.authenticate.from_cache(token[:-1] + ("0" if token[-1] != "0" else "1"))

    def test_asks_again_when_the_clock_was_set_back(self, core: Core, clock: SettableClock) -> None:
        token = create(core).token.text
        core.authenticate(token)

        clock.instant -= timedelta(hours=1)

        assert core.authenticate.from_cache(token) is None

    def test_keeps_a_bounded_number_of_keys(self, core: Core) -> None:
        authenticate = replace(core.authenticate, cached_keys_max=3)
        tokens = [create(core).token.text for _ in range(5)]

        for token in tokens:
            authenticate(token)

        known = [authenticate.from_cache(token) is not None for token in tokens]
        assert known == [False, False, True, True, True]

    def test_serves_many_threads(self, core: Core, settings: Settings) -> None:
        tokens = [create(core, f"merchant-{number}").token.text for number in range(5)]
        uncached = replace(core.authenticate, cache_ttl=timedelta(0))

        with ThreadPoolExecutor(settings.database_pool_size // 2) as pool:
            callers = list(pool.map(lambda token: uncached(token).customer_id, tokens * 20))

        uncached.flush()
        assert callers == [f"merchant-{number}" for number in range(5)] * 20

    def test_is_a_refusal_to_come_back_later_when_the_database_is_down(self, settings: Settings) -> None:
        nowhere = settings.model_copy(
            update={"database_url": SecretStr("postgresql+psycopg2://psp@127.0.0.1:1/psp"), "sqs_queue_name": "none"}
        )
        token = "sk_live_" + "0" * 16 + "_" + "0" * 33

        with pytest.raises(StorageUnavailable):
            build_core(nowhere).authenticate(token)


class TestLastUse:
    def test_is_written_at_most_once_a_minute(self, core: Core, clock: SettableClock) -> None:
        issued = create(core)
        assert stored(core, issued).last_used_at is None
        written: set[datetime] = set()

        for _ in range(13):
            core.authenticate(issued.token.text)
            core.authenticate.flush()
            used_at = stored(core, issued).last_used_at
            assert used_at is not None
            written.add(used_at)
            clock.instant += TTL

        assert sorted(written) == [NOON + timedelta(minutes=minute) for minute in range(3)]

    def test_is_written_at_most_once_a_minute_by_all_processes(self, core: Core, clock: SettableClock) -> None:
        issued = create(core)
        first, second = a_second_process(core), a_second_process(core)
        first(issued.token.text)
        second(issued.token.text)
        first.flush()
        clock.instant += timedelta(seconds=59)
        second.flush()

        second(issued.token.text)
        second.flush()

        assert stored(core, issued).last_used_at == NOON

    def test_is_not_noted_for_a_refused_key(self, core: Core) -> None:
        issued = create(core)
        core.manage_api_keys.revoke(issued.key.id)

        with pytest.raises(InvalidCredentials):
            core.authenticate(issued.token.text)

        core.authenticate.flush()
        assert stored(core, issued).last_used_at is None
