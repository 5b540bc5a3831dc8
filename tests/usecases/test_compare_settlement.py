"""What settling a date would change in what is stored, by merchant."""

from __future__ import annotations

from datetime import date

import pytest
from click.testing import CliRunner

from psp_core.bootstrap import Core
from psp_core.cli.commands import commands
from psp_core.domain.settlement.settlements import Totals
from psp_core.settings import Settings
from tests.builders import SettableClock, a_new_transaction
from tests.usecases.ledger.books_of import accept_and_drain, execute, rows_of

DUE_ON = date(2026, 4, 9)


def compared(core: Core) -> tuple[list[tuple[str, Totals]], list[tuple[str, Totals]]]:
    found = core.compare_settlement(due_on=DUE_ON)
    return tuple([(each.customer_id, each.totals) for each in part] for part in (found.added, found.missing))  # type: ignore[return-value]


class TestCompareSettlement:
    def test_shows_what_would_be_added(self, core: Core, clock: SettableClock) -> None:
        accept_and_drain(core, a_new_transaction(customer_id="a", amount_minor=1_000))
        clock.advance(days=30)
        core.settle_payables(due_on=DUE_ON)
        assert compared(core) == ([], [])
        clock.advance(days=-30)
        accept_and_drain(
            core,
            a_new_transaction(customer_id="a", amount_minor=100),
            a_new_transaction(customer_id="b", amount_minor=200),
        )
        clock.advance(days=30)

        assert compared(core) == ([("b", Totals(1, 200, 10, 190)), ("a", Totals(1, 100, 5, 95))], [])
        assert rows_of(core, "SELECT count(*) FROM settlements") == [(1,)]

    def test_shows_what_is_missing(self, core: Core, clock: SettableClock) -> None:
        accept_and_drain(core, a_new_transaction(customer_id="a", amount_minor=1_000), a_new_transaction())
        clock.advance(days=30)
        core.settle_payables(due_on=DUE_ON)
        execute(core.settings, "UPDATE payables SET settlement_id = gen_random_uuid() WHERE customer_id = 'a'")

        found = compared(core)

        execute(
            core.settings,
            "UPDATE payables SET settlement_id = settlements.id FROM settlements"
            " WHERE settlements.customer_id = 'a' AND payables.customer_id = 'a'",
        )
        assert found == ([], [("a", Totals(1, 1_000, 50, 950))])


class TestTheCommand:
    def test_says_the_same(
        self, core: Core, clock: SettableClock, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PSP_DATABASE_URL", settings.database_url.get_secret_value())
        accept_and_drain(core, a_new_transaction(customer_id="a", amount_minor=1_000))

        said = CliRunner().invoke(commands, ["settle", str(DUE_ON), "--dry-run", "--diff"])
        refused = CliRunner().invoke(commands, ["settle", str(DUE_ON), "--diff", "--reason", "x"])

        assert said.output.splitlines() == [
            "dry run: nothing was paid; + would be added, ! is missing:",
            "+ a BRL: 1 payables, gross 1000, fee 50, net 950 (minor units)",
        ]
        assert refused.exit_code == 2
        assert "--diff is for a --dry-run" in refused.output
