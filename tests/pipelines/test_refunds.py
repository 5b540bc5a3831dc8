"""The jobs of money that comes back, and what is seen of debt."""

from __future__ import annotations

from datetime import date

import dagster as dg

from psp_core.bootstrap import Core
from psp_core.domain.intake.transactions import PaymentMethod
from psp_core.domain.kernel.money import Currency
from psp_pipelines.access.actors import ACTOR_TAG
from tests.builders import SettableClock, a_new_transaction
from tests.pipelines.operations import checks_of, ended_as_cancelled, run_job
from tests.usecases.ledger.books_of import accept_and_drain, rows_of
from tests.usecases.refunds.sales import all_balances, pay_out, refund, sell


def fail(core: Core, refund_id: object, *, instance: dg.DagsterInstance, reason: str = "the card is closed") -> bool:
    config = {"refund_id": str(refund_id), "reason": reason}
    return run_job(
        "fail_refund",
        core,
        instance=instance,
        tags={},
        run_config={"ops": {"fail_one_refund": {"config": config}}},
    ).success


class TestFailRefund:
    def test_gives_the_merchant_back_what_it_took(self, core: Core, instance: dg.DagsterInstance) -> None:
        id = refund(core, sell(core, amount_minor=8_000))

        assert fail(core, id, instance=instance)

        assert all_balances(core) == (7_600, 0, 0, 0, 0)
        assert core.read_merchant.refund("merchant-1", id=id).failure_reason == "the card is closed"
        [action] = core.record_operator_action.newest(limit=9)
        assert (action.action, action.reason, action.details) == (
            "refunds fail",
            "the card is closed",
            {"refund_id": str(id)},
        )

    def test_needs_a_reason(self, core: Core, instance: dg.DagsterInstance) -> None:
        id = refund(core, sell(core))

        assert ended_as_cancelled(instance, lambda: fail(core, id, instance=instance, reason="")) == (
            "refunds fail by hand needs a reason"
        )
        assert core.read_merchant.refund("merchant-1", id=id).status == "succeeded"

    def test_is_refused_a_second_time_and_for_what_is_no_refund(self, core: Core, instance: dg.DagsterInstance) -> None:
        id = refund(core, sell(core))
        fail(core, id, instance=instance)

        for wrong in (id, "7"):
            assert not fail(core, wrong, instance=instance)
        assert all_balances(core) == (2_375, 0, 0, 0, 0)


class TestDebts:
    def test_alarm_when_they_are_older_than_20_days(
        self, core: Core, clock: SettableClock, instance: dg.DagsterInstance
    ) -> None:
        sale = sell(core, amount_minor=1_000)
        clock.advance(days=30)
        core.settle_payables(due_on=date(2026, 4, 9))
        pay_out(core, 950)
        refund(core, sale)
        clock.advance(days=1)
        core.settle_payables(due_on=date(2026, 4, 10))

        clock.advance(days=20)
        young = checks_of(run_job("watch", core, instance=instance))
        clock.advance(days=1)
        old = checks_of(run_job("watch", core, instance=instance))

        assert (young["no_old_debt"], old["no_old_debt"]) == (True, False)
        [debt] = core.list_debts().old
        assert (debt.customer_id, debt.debt_minor, str(debt.since)) == ("merchant-1", 950, "2026-04-10")
        accept_and_drain(core, a_new_transaction(amount_minor=980, payment_method=PaymentMethod.DEBIT_CARD))
        assert core.list_debts().listed == []
        assert rows_of(core, "SELECT debt_since FROM ledger_balances") == [(None,)]


class TestReleaseReserve:
    def test_releases_what_is_due(self, core: Core, clock: SettableClock, instance: dg.DagsterInstance) -> None:
        sell(core, amount_minor=8_000)
        core.set_merchant_terms("merchant-1", Currency.BRL, changed={"reserve_bps": 1_000, "reserve_days": 1})
        clock.advance(days=30)
        core.settle_payables(due_on=date(2026, 4, 9))
        clock.advance(days=1)

        assert run_job("release_reserve", core, instance=instance).success

        assert all_balances(core) == (0, 0, 7_600, 0, 0)


class TestWriteOff:
    def test_is_asked_for_by_one_and_released_by_another(
        self, core: Core, clock: SettableClock, instance: dg.DagsterInstance
    ) -> None:
        sale = sell(core, amount_minor=1_000)
        clock.advance(days=30)
        core.settle_payables(due_on=date(2026, 4, 9))
        pay_out(core, 950)
        refund(core, sale)
        clock.advance(days=1)
        core.settle_payables(due_on=date(2026, 4, 10))

        def launched(actor: str | None, **config: object) -> bool:
            return run_job(
                "write_off",
                core,
                instance=instance,
                tags={ACTOR_TAG: actor} if actor else {},
                run_config={"ops": {"write_off_debt": {"config": {"reason": "bankrupt", **config}}}},
            ).success

        asked = {"merchant": "merchant-1", "currency": "BRL", "amount_minor": 950}
        assert not launched(None, **asked)
        assert not launched("leia", **asked | {"currency": "XXX"})
        assert launched("leia", **asked)
        [(id,)] = rows_of(core, "SELECT id::text FROM write_offs")
        assert not launched("leia", release=id)
        assert launched("han", release=id)

        assert all_balances(core) == (0, 0, 0, 0, 0)
        assert [action.actor for action in core.record_operator_action.newest(limit=2)] == ["han", "leia"]
