from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from click.testing import CliRunner
from pydantic import SecretStr, ValidationError

from psp_core.adapters.postgres.schema.logins import Login
from psp_core.bootstrap import Core, build_core
from psp_core.cli.commands import commands
from psp_core.domain.access import ApiKey, IssuedKey, KeyMode, Scope
from psp_core.domain.kernel.errors import (
    ApiKeyNotActive,
    ApiKeysNotConfigured,
    InvalidCredentials,
    NotFound,
)
from psp_core.settings import Settings
from psp_core.usecases.access.authenticate import Authenticate
from tests.builders import NOON, SettableClock
from tests.logins import url_of
from tests.reach import postgres

PEPPER = "0123456789abcdef0123456789abcdef"
TTL = timedelta(seconds=10)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"api_key_pepper": SecretStr(PEPPER)})


def create(core: Core, customer_id: str = "merchant-1", *, scopes: Sequence[Scope] = (Scope.READ,)) -> IssuedKey:
    return core.manage_api_keys.create(customer_id, scopes=scopes)


def stored(core: Core, issued: IssuedKey) -> ApiKey:
    with core.store.begin() as work:
        key = work.api_keys.find(issued.key.id)
    assert key is not None
    return key


def a_second_process(core: Core) -> Authenticate:
    return replace(core.authenticate)


class TestCreate:
    def test_makes_a_key_that_authenticates_its_merchant(self, core: Core) -> None:
        issued = create(core, scopes=[Scope.READ, Scope.WRITE])

        principal = core.authenticate(issued.token.text)

        assert principal.customer_id == "merchant-1"
        assert principal.scopes == {Scope.READ, Scope.WRITE}
        assert principal.key_id == issued.key.id
        assert issued.token.text.startswith("sk_live_")

    def test_stores_neither_the_token_nor_anything_it_could_be_read_from(self, core: Core) -> None:
        issued = create(core)
        secret = issued.token.text.rpartition("_")[2]

        with postgres(core.store).begin() as work:
            row = work.connection.exec_driver_sql("SELECT api_keys::text, token_hmac FROM api_keys").one()

        assert secret not in row[0]
        assert secret.encode().hex() not in row[0]
        assert len(bytes(row[1])) == 32

    def test_gives_a_merchant_several_keys(self, core: Core) -> None:
        keys = [create(core), create(core), create(core, "merchant-2")]

        callers = [core.authenticate(issued.token.text).customer_id for issued in keys]

        assert callers == ["merchant-1", "merchant-1", "merchant-2"]
        assert len({issued.token.text for issued in keys}) == 3
        listed = core.manage_api_keys.list(customer_id="merchant-1")
        assert {key.id for key in listed} == {issued.key.id for issued in keys[:2]}
        assert len(core.manage_api_keys.list()) == 3

    def test_needs_a_pepper(self, core: Core, settings: Settings) -> None:
        without = replace(core, settings=settings.model_copy(update={"api_key_pepper": None}))

        with pytest.raises(ApiKeysNotConfigured, match="PSP_API_KEY_PEPPER"):
            without.manage_api_keys.create("merchant-1", scopes=[Scope.READ])
        with pytest.raises(ApiKeysNotConfigured, match="PSP_API_KEY_PEPPER"):
            _ = without.authenticate
        assert without.manage_api_keys.list() == []

    def test_refuses_a_key_of_the_other_mode(self, core: Core, settings: Settings) -> None:
        trial = replace(core, settings=settings.model_copy(update={"api_key_mode": KeyMode.TEST}))
        test_key = create(trial)

        assert test_key.token.text.startswith("sk_test_")
        with pytest.raises(InvalidCredentials, match="sk_live_"):
            core.authenticate(test_key.token.text)
        with pytest.raises(ApiKeysNotConfigured, match="live keys only"):
            core.manage_api_keys.create("merchant-1", scopes=[Scope.READ], mode=KeyMode.TEST)


class TestRevoke:
    def test_ends_a_key_within_the_caches_time(self, core: Core, clock: SettableClock) -> None:
        issued = create(core)
        core.authenticate(issued.token.text)

        core.manage_api_keys.revoke(issued.key.id)

        with pytest.raises(InvalidCredentials, match="revoked"):
            a_second_process(core)(issued.token.text)
        clock.instant += TTL - timedelta(milliseconds=1)
        assert core.authenticate(issued.token.text).key_id == issued.key.id
        clock.instant += timedelta(milliseconds=1)
        with pytest.raises(InvalidCredentials, match="revoked"):
            core.authenticate(issued.token.text)

    def test_keeps_the_first_moment_and_spares_other_keys(self, core: Core, clock: SettableClock) -> None:
        issued, other = create(core), create(core)
        core.manage_api_keys.revoke(issued.key.id)
        clock.advance(minutes=1)

        assert core.manage_api_keys.revoke(issued.key.id).revoked_at == NOON
        assert core.authenticate(other.token.text).key_id == other.key.id

    def test_works_without_the_pepper(self, core: Core) -> None:
        issued = create(core)

        assert replace(core.manage_api_keys, pepper=None).revoke(issued.key.id).revoked_at == NOON

    def test_refuses_an_unknown_key(self, core: Core) -> None:
        with pytest.raises(NotFound):
            core.manage_api_keys.revoke("nobody")


class TestRotate:
    def test_lets_both_keys_work_for_the_overlap(self, core: Core, clock: SettableClock) -> None:
        old = create(core, scopes=[Scope.WRITE])
        core.authenticate(old.token.text)

        new = core.manage_api_keys.rotate(old.key.id, overlap=timedelta(hours=24))

        clock.advance(minutes=24 * 60 - 0.001)
        assert core.authenticate(old.token.text).key_id == old.key.id
        assert core.authenticate(new.token.text).scopes == {Scope.WRITE}
        clock.advance(minutes=0.001)
        with pytest.raises(InvalidCredentials, match="expired"):
            core.authenticate(old.token.text)
        clock.advance(days=3_650)
        assert core.authenticate(new.token.text).customer_id == "merchant-1"

    def test_without_overlap_ends_the_old_key_at_once(self, core: Core) -> None:
        old = create(core)

        new = core.manage_api_keys.rotate(old.key.id, overlap=timedelta(0))

        with pytest.raises(InvalidCredentials, match="expired"):
            core.authenticate(old.token.text)
        assert core.authenticate(new.token.text).key_id == new.key.id

    def test_never_prolongs_the_old_key(self, core: Core) -> None:
        old = create(core)
        core.manage_api_keys.rotate(old.key.id, overlap=timedelta(hours=1))

        core.manage_api_keys.rotate(old.key.id, overlap=timedelta(hours=48))

        assert stored(core, old).expires_at == NOON + timedelta(hours=1)

    def test_brings_no_ended_key_back(self, core: Core) -> None:
        revoked, expired = create(core), create(core)
        core.manage_api_keys.revoke(revoked.key.id)
        core.manage_api_keys.rotate(expired.key.id, overlap=timedelta(0))

        for issued in (revoked, expired):
            with pytest.raises(ApiKeyNotActive):
                core.manage_api_keys.rotate(issued.key.id, overlap=timedelta(hours=1))
        with pytest.raises(NotFound):
            core.manage_api_keys.rotate("nobody", overlap=timedelta(hours=1))

    def test_changes_nothing_when_it_cannot_make_the_new_key(self, core: Core) -> None:
        old = create(core)

        with pytest.raises(ApiKeysNotConfigured):
            replace(core.manage_api_keys, pepper=None).rotate(old.key.id, overlap=timedelta(0))

        assert stored(core, old).expires_at is None

    @pytest.mark.parametrize("hours", [-1, 721])
    def test_refuses_an_overlap_without_an_end(self, core: Core, hours: int) -> None:
        with pytest.raises(ValueError, match="overlap"):
            core.manage_api_keys.rotate("any", overlap=timedelta(hours=hours))


class TestSettings:
    def test_refuse_api_key_mode_without_a_pepper(self) -> None:
        with pytest.raises(ValidationError, match="PSP_API_KEY_PEPPER"):
            Settings(database_url=SecretStr("postgresql+psycopg2://u:secret-word@h/d"), auth_mode="api-key")

    def test_refuse_a_short_pepper_without_showing_it(self) -> None:
        with pytest.raises(ValidationError, match="32") as refusal:
            Settings(
                database_url=SecretStr("postgresql+psycopg2://u:secret-word@h/d"), api_key_pepper=SecretStr("tiny")
            )

        assert "tiny" not in str(refusal.value)
        assert "secret-word" not in str(refusal.value)


WHY = ("--reason", "a test")


class TestCommands:
    def test_show_a_key_once_and_end_it(self, settings: Settings) -> None:
        environment = {
            "PSP_DATABASE_URL": url_of(Login.OPERATOR, settings.database_url.get_secret_value()),
            "PSP_API_KEY_PEPPER": PEPPER,
        }

        def run(*arguments: str) -> tuple[str, str]:
            result = CliRunner().invoke(commands, ["keys", *arguments], env=environment, catch_exceptions=False)
            assert result.exit_code == 0, result.output
            return result.stdout.strip(), result.stderr

        token, remark = run("create", "merchant-1", "--scope", "read", "--scope", "write", *WHY)
        core = build_core(settings)
        principal = core.authenticate(token)
        assert principal.scopes == {Scope.READ, Scope.WRITE}
        assert token not in remark

        rotated, _ = run("rotate", principal.key_id, "--overlap-hours", "1", *WHY)
        listing, _ = run("list", "merchant-1")
        run("revoke", core.authenticate(rotated).key_id, *WHY)
        everybodys, _ = run("list")

        assert [line.split()[4] for line in listing.splitlines()] == ["expiring", "active"]
        assert [line.split()[4] for line in everybodys.splitlines()] == ["expiring", "revoked"]
        assert token.rpartition("_")[2] not in listing
        core.store.close()
