"""`psp actions list`, and what comes before there is a list: a new database's migration, new queues."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from psp_core.adapters.postgres.schema.migrate import migrate
from psp_core.bootstrap import Core, build_core
from psp_core.domain.operations.operator_actions import Outcome
from psp_core.settings import Settings, load
from psp_local.postgres import EmbeddedPostgres
from tests.builders import SettableClock
from tests.usecases.operations.commands import ACTOR, WHY, recorded, run


@pytest.fixture(autouse=True)
def _environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PSP_DATABASE_URL", settings.database_url.get_secret_value())
    monkeypatch.delenv("SUDO_USER", raising=False)


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
