"""What is done at the command line leaves who, why, what and how it ended, every time."""

from __future__ import annotations

import os
import platform
import pwd
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest
from click.testing import CliRunner, Result
from pydantic import SecretStr
from sqlalchemy import create_engine
from sqlalchemy.exc import IntegrityError

from psp_core.adapters.postgres.schema.migrate import migrate
from psp_core.bootstrap import Core, build_core
from psp_core.cli.commands import commands
from psp_core.domain.kernel.errors import NotDueYet, QueueUnavailable, StorageUnavailable
from psp_core.domain.operations.operator_actions import OperatorAction, Outcome
from psp_core.ports.store import UnitOfWork
from psp_core.settings import Settings, load
from psp_local.ports import free_port
from psp_local.postgres import EmbeddedPostgres
from psp_local.sqs import EmbeddedSqs
from tests import reach
from tests.builders import SettableClock, a_new_transaction, a_submission
from tests.waiting import wait_for
from tests.wrapped import WrappedStore

WHY = ("--reason", "a test")
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


@dataclass
class ForgetfulStore(WrappedStore):
    """The database goes away after the first commit."""

    begun: int = 0

    def begin(self) -> AbstractContextManager[UnitOfWork]:
        self.begun += 1
        if self.begun > 1:
            raise StorageUnavailable("the database did not answer")
        return super().begin()


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
        run("fee-plans", "set", "luke", "--credit-delay-days", "0", "--new-merchant", "--yes", "--reason", "contract 7")

        [action] = recorded(core)
        assert (action.action, action.reason, action.outcome) == ("fee-plans set", "contract 7", Outcome.DONE)
        assert action.details == {"customer_id": "luke", "credit_delay_days": "30 -> 0"}
        assert action.detail == "credit 500 bps after 0 days, debit 300 bps, every_day"

    def test_has_terms_that_were_refused(self, core: Core) -> None:
        assert run("fee-plans", "set", "luek", "--credit-delay-days", "0", *WHY).exit_code == 1

        [action] = recorded(core)
        assert action.outcome is Outcome.REFUSED
        assert action.detail.startswith("nobody called 'luek' has made a transaction")

    def test_has_what_was_refused_with_the_refusal(self, core: Core, database_url: str) -> None:
        assert run("keys", "rotate", "none", *WHY).exit_code == 1
        assert run("keys", "revoke", "none", *WHY).exit_code == 1

        assert [(it.action, it.outcome) for it in recorded(core)] == [
            ("keys revoke", Outcome.REFUSED),
            ("keys rotate", Outcome.REFUSED),
        ]
        with reach.postgres(core.store).begin() as work:
            said = work.connection.exec_driver_sql("SELECT detail FROM operator_action_outcomes ORDER BY created_at")
        assert "no such API key" in {row.detail for row in said}

    def test_has_the_sentence_by_which_a_settlement_was_refused(self, core: Core) -> None:
        assert isinstance(run("settle", "9999-12-31", "--reason", "early").exception, NotDueYet)

        [action] = recorded(core)
        assert action.came_of_it == "refused: 9999-12-31 has not come yet: nothing is paid early"

    def test_has_what_was_done_in_numbers(self, core: Core, clock: SettableClock) -> None:
        # The command has the machine's clock.
        clock.advance(days=-365)
        core.accept_transactions([a_submission(a_new_transaction(customer_id="luke"))])
        core.keep_relaying().run_until_empty()
        core.drain_queue()
        due_on = (clock.now() + timedelta(days=30)).date()

        assert run("settle", str(due_on), "--reason", "late").exit_code == 0

        [action] = recorded(core)
        assert action.came_of_it == "done: BRL: 1 payables, gross 2500, fee 125, net 2375 (minor units)"
        assert action.ended_at is not None

    def test_calls_no_outage_in_the_middle_a_refusal(self, core: Core) -> None:
        def settle() -> None:
            with core.record_operator_action.command("settle", reason="late", actor=ACTOR, details={}) as deed:
                deed.did = "1 of 2"
                raise QueueUnavailable("the queue did not answer")

        with pytest.raises(QueueUnavailable):
            settle()

        assert recorded(core)[0].came_of_it == "failed: the queue did not answer; before that: 1 of 2"

    def test_raises_what_happened_when_the_end_cannot_be_recorded(self, core: Core) -> None:
        without = replace(core.record_operator_action, store=ForgetfulStore(core.store))
        record = without.command("settle", reason="late", actor=ACTOR, details={})

        with pytest.raises(KeyboardInterrupt), record:
            raise KeyboardInterrupt

        assert recorded(core)[0].came_of_it.startswith("begun, and no end is recorded")

    def test_says_so_when_all_went_well_and_the_end_cannot_be_recorded(self, core: Core) -> None:
        without = replace(core.record_operator_action, store=ForgetfulStore(core.store))

        with (
            pytest.raises(StorageUnavailable, match="settle was done, but that could not be recorded"),
            without.command("settle", reason="late", actor=ACTOR, details={}),
        ):
            pass

    def test_has_the_life_of_a_key_and_never_the_key(self, core: Core) -> None:
        token = run("keys", "create", "luke", "--scope", "read", "--expires-in-days", "30", *WHY).stdout.strip()
        key_id = token.split("_")[2]
        run("keys", "rotate", key_id, *WHY)
        run("keys", "revoke", key_id, *WHY)

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


class TestACommandThatIsEnded:
    @pytest.mark.parametrize(
        ("number", "came_of_it"),
        [
            (signal.SIGINT, "failed: interrupted by Ctrl-C"),
            (signal.SIGTERM, "failed: interrupted by SIGTERM"),
            (signal.SIGHUP, "failed: interrupted by SIGHUP"),
            (signal.SIGKILL, "begun, and no end is recorded: it goes on, or was killed"),
        ],
    )
    def test_says_so_unless_it_was_killed(self, core: Core, number: signal.Signals, came_of_it: str) -> None:
        command = [str(Path(sys.executable).parent / "psp"), "settle", "2026-01-01", "--reason", "late"]
        with reach.postgres(core.store).begin() as work:
            work.connection.exec_driver_sql("LOCK TABLE settlements")
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            wait_for(lambda: recorded(core) and _waits(core), within_s=60, what="the command waits for the table")

            process.send_signal(number)
        process.communicate(timeout=60)

        assert process.returncode != 0
        assert [it.came_of_it for it in recorded(core)] == [came_of_it]


def _waits(core: Core) -> bool:
    with reach.postgres(core.store).begin() as work:
        waiting = "SELECT FROM pg_stat_activity WHERE application_name = 'psp-cli' AND wait_event_type = 'Lock'"
        return work.connection.exec_driver_sql(waiting).rowcount == 1


class TestPreparations:
    def test_are_recorded_when_there_was_something_to_do(
        self, core: Core, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PSP_SQS_ENDPOINT_URL", str(settings.sqs_endpoint_url))
        monkeypatch.setenv("PSP_SQS_QUEUE_NAME", f"{settings.sqs_queue_name}-new")

        for _ in range(2):
            assert run("queues", "create").exit_code == 0

        [action] = recorded(core)
        assert (action.action, action.reason, action.outcome) == ("queues create", "none given", Outcome.DONE)

    def test_of_a_new_database_are_its_first_record(
        self, postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        postgres.create_database("migrated_by_hand")
        url = postgres.url("migrated_by_hand")
        monkeypatch.setenv("PSP_DATABASE_URL", url)

        for _ in range(2):
            assert run("migrate", "--reason", "release 8").exit_code == 0

        core = build_core(load(Settings))
        [action] = recorded(core)
        core.store.close()
        assert (action.action, action.reason, action.outcome) == ("migrate", "release 8", Outcome.DONE)
        assert action.details["revision_before"] == "none"

    def test_of_an_older_database_are_recorded_before_they_are_done(
        self, postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        postgres.create_database("migrated_further")
        url = postgres.url("migrated_further")
        migrate(url, revision="0008")
        monkeypatch.setenv("PSP_DATABASE_URL", url)
        monkeypatch.setenv("PSP_TIME_ZONE", "UTC")

        assert run("migrate").exit_code == 0

        core = build_core(load(Settings))
        [action] = recorded(core)
        core.store.close()
        assert (action.details["revision_before"], action.outcome) == ("0008", Outcome.DONE)


class TestTheList:
    def test_says_who_what_why_and_what_came_of_it_newest_first(self, core: Core) -> None:
        run("settle", "2026-01-01", "--reason", "late\nagain")
        run("keys", "revoke", "0" * 16, *WHY)

        newest, oldest = run("actions", "list").stdout.splitlines()

        assert oldest.endswith(f"  {ACTOR}  settle due_on=2026-01-01  why: late again  done: nothing is due")
        assert newest.endswith(f"keys revoke key_id={'0' * 16}  why: a test  refused: no such API key")

    def test_is_of_some_days_of_the_platforms_time_zone(
        self, core: Core, clock: SettableClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PSP_TIME_ZONE", "America/Sao_Paulo")
        # 2026-03-10, 23:59, and a minute later.
        clock.instant = datetime(2026, 3, 11, 2, 59, tzinfo=UTC)
        for number in range(2):
            core.record_operator_action("settle", reason=f"day {number}", run_id=f"run-{number}", details={})
            clock.advance(minutes=1)

        assert "why: day 0" in run("actions", "list", "--since", "2026-03-10", "--until", "2026-03-10").stdout
        assert "day 1" not in run("actions", "list", "--until", "2026-03-10").stdout
        assert "day 0" not in run("actions", "list", "--since", "2026-03-11").stdout

    def test_is_of_one_kind_of_action(self, core: Core) -> None:
        run("settle", "2026-01-01", "--reason", "late")
        for command in ("revoke", "rotate"):
            run("keys", command, "0" * 16, *WHY)

        assert len(run("actions", "list", "--action", "keys").stdout.splitlines()) == 2
        assert len(run("actions", "list", "--action", "keys rotate").stdout.splitlines()) == 1
        assert run("actions", "list", "--action", "key").stdout == "nothing like that was done\n"

    def test_is_bounded_and_says_so(self, core: Core) -> None:
        for _ in range(2):
            run("settle", "2026-01-01", "--reason", "late")

        listed = run("actions", "list", "--limit", "1")

        assert len(listed.stdout.splitlines()) == 1
        assert "the newest 1" in listed.stderr


class TestAKey:
    def test_expires_and_is_rotated_into_one_that_lives_as_long(self, core: Core) -> None:
        token = run("keys", "create", "luke", "--scope", "read", "--expires-in-days", "30", *WHY).stdout.strip()

        run("keys", "rotate", token.split("_")[2], *WHY)

        lifetimes = [key.lifetime.days for key in core.manage_api_keys.list() if key.lifetime is not None]
        assert sorted(lifetimes) == [1, 30]
        assert "expiring" in run("keys", "list").stdout

    def test_is_kept_as_a_secret_where_the_output_is_a_log(
        self, core: Core, secrets: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PSP_API_KEY_SECRET_PREFIX", "psp/api-keys/")

        said = run("keys", "create", "luke", "--scope", "read", *WHY)

        [key] = core.manage_api_keys.list()
        assert "sk_" not in said.output
        stored = boto3.client("secretsmanager").get_secret_value(SecretId=f"psp/api-keys/{key.id}")["SecretString"]
        assert core.authenticate(stored).customer_id == "luke"
