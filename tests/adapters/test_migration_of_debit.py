"""A database with a history of debit, made by the version before, is upgraded: its debit is found and gathered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from uuid import uuid4

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, create_engine

from psp_core.adapters.postgres.schema.migrate import migrate
from psp_core.bootstrap import Core, build_core
from psp_core.domain.intake.transactions import PaymentMethod
from psp_core.domain.kernel.paging import Page
from psp_core.domain.settlement.settlements import SettlementFilter
from psp_core.settings import Settings
from psp_local.postgres import EmbeddedPostgres
from tests.builders import NOON, SettableClock, a_new_transaction, a_submission

DAY = NOON.date()

# As the version before made payables, and paid what is due.
_SETTLED_BEFORE = (
    """
    INSERT INTO payables (id, transaction_id, customer_id, type, status, payment_method, installment, installments,
        currency, amount_minor, fee_bps, fee_minor, receivable_minor, payment_at, due_on, paid_at,
        created_at, updated_at)
    SELECT uuid7_at(created_at), id, customer_id, 'credit', CASE WHEN days = 0 THEN 'paid' ELSE 'waiting_funds' END,
        payment_method, 1, 1, currency, amount_minor, bps, amount_minor * bps / 10000,
        amount_minor - amount_minor * bps / 10000, created_at + days * interval '1 day', created_at::date + days,
        CASE WHEN days = 0 THEN created_at END, created_at, created_at
    FROM transactions
    JOIN (VALUES ('credit_card', 500, 30), ('debit_card', 300, 0)) AS plan (method, bps, days)
        ON method = payment_method
    """,
    """
    INSERT INTO settlements (id, customer_id, currency, due_on, sequence, status, payable_count, gross_minor,
        fee_minor, net_minor, created_at, closed_at)
    SELECT uuid7_at(created_at), customer_id, currency, due_on, 1, 'closed', 1, amount_minor, fee_minor,
        receivable_minor, created_at, created_at FROM payables WHERE payment_method = 'credit_card'
    """,
    """
    UPDATE payables SET status = 'paid', paid_at = payables.due_on, settlement_id = settlements.id FROM settlements
    WHERE payment_method = 'credit_card' AND settlements.due_on = payables.due_on
    """,
    "UPDATE transactions SET status = 'paid'",
)


@pytest.fixture
def engine(postgres: EmbeddedPostgres) -> Iterator[Engine]:
    name = f"psp_debit_history_{uuid4().hex[:8]}"
    postgres.create_database(name)
    migrate(postgres.url(name), revision="0009")
    engine = create_engine(postgres.url(name))
    yield engine
    engine.dispose()


@pytest.fixture
def upgraded(engine: Engine, settings: Settings, clock: SettableClock) -> Iterator[Core]:
    url = engine.url.render_as_string(hide_password=False)
    core = replace(build_core(settings.model_copy(update={"database_url": SecretStr(url)})), clock=clock)
    yield core
    core.store.close()


class TestTheUpgrade:
    def test_keeps_what_was_settled_and_lets_debit_be_gathered(
        self, upgraded: Core, engine: Engine, clock: SettableClock
    ) -> None:
        sold = [a_new_transaction(payment_method=method) for method in PaymentMethod]
        upgraded.accept_transactions([a_submission(*sold)])
        with engine.begin() as connection:
            for statement in _SETTLED_BEFORE:
                connection.exec_driver_sql(statement)
        clock.advance(days=31)

        migrate(engine.url.render_as_string(hide_password=False))

        assert upgraded.check_books() == []
        assert upgraded.find_unsettled_dates.worth_a_run() == [DAY]
        upgraded.settle_payables(due_on=DAY)
        assert upgraded.check_books() == []
        settlements = upgraded.read_merchant.settlements("merchant-1", where=SettlementFilter(), page=Page())
        assert [(item.totals.net_minor, item.available.net_minor) for item in settlements] == [(0, 2_425), (2_375, 0)]

    def test_goes_on_after_it_was_killed_at_the_index(self, engine: Engine) -> None:
        url = engine.url.render_as_string(hide_password=False)
        migrate(url, revision="0010")
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP INDEX payables_available_idx")
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0009'")

        migrate(url)

        with engine.connect() as connection:
            found = connection.exec_driver_sql("SELECT to_regclass('payables_available_idx') IS NOT NULL").scalar_one()
        assert found
