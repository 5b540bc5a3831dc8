"""What is done at the command line leaves who, why, what and how it ended, every time."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import boto3
import pytest
from pydantic import SecretStr
from sqlalchemy import create_engine
from sqlalchemy.exc import IntegrityError

from psp_core.bootstrap import Core
from psp_core.domain.kernel.errors import NotDueYet, QueueUnavailable, StorageUnavailable
from psp_core.domain.operations.operator_actions import Outcome
from psp_core.ports.store import UnitOfWork
from psp_core.settings import Settings
from psp_local.ports import free_port
from psp_local.sqs import EmbeddedSqs
from tests import reach
from tests.builders import SettableClock, a_new_transaction, a_submission
from tests.usecases.operations.commands import ACTOR, WHY, recorded, run
from tests.waiting import wait_for
from tests.wrapped import WrappedStore

PEPPER = "0123456789abcdef0123456789abcdef"


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
            with core.record_operator_action.command("settle", reason="late", actor=ACTOR, details={}) as under_way:
                under_way.did = "1 of 2"
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
        # As in a terminal, whatever the program that started the tests has it ignore.
        heeding = ["env", "--default-signal=INT,TERM,HUP"]
        command = [*heeding, str(Path(sys.executable).parent / "psp"), "settle", "2026-01-01", "--reason", "late"]
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


class TestAKey:
    def test_of_a_merchant_that_nobody_knows_yet_says_so(self, core: Core) -> None:
        core.accept_transactions([a_submission(a_new_transaction(customer_id="luke"))])

        assert "luek is new" in run("keys", "create", "luek", "--scope", "read", *WHY).stderr
        assert "is new" not in run("keys", "create", "luke", "--scope", "read", *WHY).stderr

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
