"""`psp refunds` and `psp merchant-terms`: by an operator, with a reason, and on record."""

from __future__ import annotations

from dataclasses import replace

import pytest

from psp_core.bootstrap import Core
from psp_core.domain.operations.operator_actions import Outcome
from psp_core.settings import Settings
from psp_core.usecases.refunds.create_refund import NewRefund
from tests.usecases.ledger.books_of import rows_of
from tests.usecases.operations.commands import WHY, recorded, run
from tests.usecases.refunds.sales import all_balances, refund, sell, taken_back


@pytest.fixture
def settings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("PSP_DATABASE_URL", settings.database_url.get_secret_value())
    return settings


class TestRefundsCreate:
    def test_gives_back_and_says_what(self, core: Core) -> None:
        sale = sell(core, amount_minor=8_000)

        result = run("refunds", "create", str(sale), "--amount", "2000", "--reference", "return-7", *WHY)

        assert result.exit_code == 0, result.output
        [(id, reason, reference)] = rows_of(core, "SELECT id::text, reason, reference FROM refunds")
        assert (reason, reference) == ("a test", "return-7")
        first, second = result.output.splitlines()
        assert first == f"refund {id}: BRL 20.00, of the fee 1.00 is returned"
        assert second == f"  refund 1/1  due {taken_back(core)[0][4]}  -19.00"
        assert (recorded(core)[0].action, recorded(core)[0].detail) == ("refunds create", first)

    def test_is_refused_like_a_merchants(self, core: Core) -> None:
        sale = sell(core, amount_minor=100)

        result = run("refunds", "create", str(sale), "--amount", "101", *WHY)

        assert result.exit_code == 1
        assert recorded(core)[0].outcome is Outcome.REFUSED
        assert rows_of(core, "SELECT count(*) FROM refunds") == [(0,)]

    def test_is_allowed_to_an_operators_login(self, core: Core) -> None:
        sale = sell(core)
        create = replace(core.create_refund, store=core.set_merchant_terms.store)

        create(NewRefund(create.merchant_of(sale), sale), render=lambda *_: b"")

        assert all_balances(core) == (0, 0, 0, 0, 0)


class TestRefundsFail:
    def test_gives_the_merchant_back_what_it_took(self, core: Core) -> None:
        id = refund(core, sell(core, amount_minor=8_000), 2_000)

        result = run("refunds", "fail", str(id), *WHY)

        assert result.exit_code == 0, result.output
        assert result.output.splitlines()[0] == f"refund {id} of BRL 20.00 has failed"
        assert all_balances(core) == (7_600, 0, 0, 0, 0)
        assert recorded(core)[0].outcome is Outcome.DONE
        assert run("refunds", "fail", str(id), *WHY).exit_code == 1


class TestMerchantTermsSet:
    def test_sets_a_limit_and_takes_it_away(self, core: Core) -> None:
        sell(core)

        none = "a reserve of 0 bps for 0 days"
        some = "a reserve of 500 bps for 90 days"
        for words, shown in (
            (("--negative-limit", "5000"), f"no limit, {none} -> a limit of 5000, {none}"),
            (
                ("--reserve-bps", "500", "--reserve-days", "90"),
                f"a limit of 5000, {none} -> a limit of 5000, {some}",
            ),
            (("--no-limit",), f"a limit of 5000, {some} -> no limit, {some}"),
        ):
            result = run("merchant-terms", "set", "merchant-1", "BRL", *words, *WHY)
            assert result.output == f"merchant-1 in BRL: {shown}\n"
        assert recorded(core)[0].action == "merchant-terms set"

    def test_refuses_a_reserve_without_days(self, core: Core) -> None:
        sell(core)

        result = run("merchant-terms", "set", "merchant-1", "BRL", "--reserve-bps", "500", *WHY)

        assert result.exit_code == 1
        assert "a reserve has basis points and days, or neither" in result.output

    def test_is_of_a_merchant_that_is_known(self, core: Core) -> None:
        result = run("merchant-terms", "set", "nobody", "BRL", "--no-limit", *WHY)

        assert result.exit_code == 1
        assert "no merchant called 'nobody'" in str(result.exception)
