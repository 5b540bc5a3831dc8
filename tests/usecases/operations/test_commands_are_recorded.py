"""What is done at the command line leaves who, why, what and how it ended, every time."""

from __future__ import annotations

import os
import platform
import pwd
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from click.testing import CliRunner, Result
from pydantic import SecretStr
from sqlalchemy import create_engine
from sqlalchemy.exc import IntegrityError

from psp_core.bootstrap import Core
from psp_core.cli.commands import commands
from psp_core.domain.operations.operator_actions import OperatorAction, Outcome
from psp_core.settings import Settings
from psp_local.ports import free_port
from psp_local.sqs import EmbeddedSqs
from tests.reach import postgres

PEPPER = "0123456789abcdef0123456789abcdef"
ACTOR = f"{pwd.getpwuid(os.getuid()).pw_name}@{platform.node()}"


@pytest.fixture
def settings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("PSP_DATABASE_URL", settings.database_url.get_secret_value())
    monkeypatch.setenv("PSP_API_KEY_PEPPER", PEPPER)
    monkeypatch.delenv("SUDO_USER", raising=False)
    return settings.model_copy(update={"api_key_pepper": SecretStr(PEPPER)})


@pytest.fixture
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with EmbeddedSqs(tmp_path / "secrets", free_port(), services="secretsmanager") as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", server.endpoint_url)
        yield server.endpoint_url


def run(*words: str) -> Result:
    return CliRunner().invoke(commands, words)


def recorded(core: Core) -> list[OperatorAction]:
    return core.record_operator_action.newest(limit=10)


class TestTheRecord:
    def test_has_each_of_two_commands_of_one_process(self, core: Core) -> None:
        for _ in range(2):
            assert run("settle", "2026-01-01", "--reason", "late").exit_code == 0

        assert [(it.action, it.reason, it.actor, it.outcome) for it in recorded(core)] == [
            ("settle", "late", ACTOR, Outcome.DONE)
        ] * 2

    def test_says_for_whom_the_system_user_acted(self, core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SUDO_USER", "leia")

        run("settle", "2026-01-01", "--reason", "late")

        assert recorded(core)[0].actor == f"{ACTOR} for leia"

    def test_has_new_terms(self, core: Core) -> None:
        run("fee-plans", "set", "luke", "--credit-delay-days", "0", "--reason", "contract 7")

        [action] = recorded(core)
        assert (action.action, action.reason, action.outcome) == ("fee-plans set", "contract 7", Outcome.DONE)
        assert action.details["customer_id"] == "luke"
        assert action.details["credit_delay_days"] == "0"

    def test_has_what_was_refused_with_the_refusal(self, core: Core, database_url: str) -> None:
        assert run("keys", "rotate", "none").exit_code == 1
        assert run("keys", "revoke", "none").exit_code == 1

        assert [(it.action, it.outcome) for it in recorded(core)] == [
            ("keys revoke", Outcome.REFUSED),
            ("keys rotate", Outcome.REFUSED),
        ]
        with postgres(core.store).begin() as work:
            said = work.connection.exec_driver_sql("SELECT detail FROM operator_action_outcomes ORDER BY created_at")
        assert "no such API key" in {row.detail for row in said}

    def test_has_the_life_of_a_key_and_never_the_key(self, core: Core) -> None:
        token = run("keys", "create", "luke", "--scope", "read", "--expires-in-days", "30").stdout.strip()
        key_id = token.split("_")[2]
        run("keys", "rotate", key_id)
        run("keys", "revoke", key_id)

        actions = recorded(core)
        assert [it.action for it in actions] == ["keys revoke", "keys rotate", "keys create"]
        assert {it.outcome for it in actions} == {Outcome.DONE}
        assert token not in str(actions)

    @pytest.mark.parametrize(
        "statement", ["UPDATE operator_action_outcomes SET outcome = 'done'", "DELETE FROM operator_action_outcomes"]
    )
    def test_cannot_be_changed_afterwards(self, core: Core, database_url: str, statement: str) -> None:
        run("settle", "2026-01-01", "--reason", "late")
        engine = create_engine(database_url)

        with pytest.raises(IntegrityError, match="immutable"), engine.begin() as connection:
            connection.exec_driver_sql(statement)

        engine.dispose()


class TestAKey:
    def test_expires_and_is_rotated_into_one_that_lives_as_long(self, core: Core) -> None:
        token = run("keys", "create", "luke", "--scope", "read", "--expires-in-days", "30").stdout.strip()

        run("keys", "rotate", token.split("_")[2])

        lifetimes = [key.lifetime.days for key in core.manage_api_keys.list() if key.lifetime is not None]
        assert sorted(lifetimes) == [1, 30]
        assert "expiring" in run("keys", "list").stdout

    def test_is_kept_as_a_secret_where_the_output_is_a_log(
        self, core: Core, secrets: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PSP_API_KEY_SECRET_PREFIX", "psp/api-keys/")

        said = run("keys", "create", "luke", "--scope", "read")

        [key] = core.manage_api_keys.list()
        assert "sk_" not in said.output
        stored = boto3.client("secretsmanager").get_secret_value(SecretId=f"psp/api-keys/{key.id}")["SecretString"]
        assert core.authenticate(stored).customer_id == "luke"
