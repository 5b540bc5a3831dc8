"""Every filter of the lists has its index: no list reads a whole table."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr
from sqlalchemy import event

from psp_core.adapters.postgres.schema.migrate import migrate
from psp_core.bootstrap import Core
from psp_core.domain.intake.transactions import PaymentMethod, TransactionFilter, TransactionStatus
from psp_core.domain.kernel.paging import Page
from psp_core.domain.payables import PayableFilter, PayableStatus, PayableType
from psp_core.settings import Settings
from psp_local.postgres import EmbeddedPostgres
from psp_local.sqs import EmbeddedSqs
from tests import reach
from tests.builders import SettableClock, a_new_transaction, a_submission
from tests.logins import core_of_logins, make_logins
from tests.reach import create_queues

NOW = datetime(2026, 3, 10, tzinfo=UTC)
TODAY = date(2026, 3, 10)
ID = UUID(int=2**127)


@pytest.fixture(scope="module")
def merchants(postgres: EmbeddedPostgres, sqs: EmbeddedSqs) -> Iterator[Core]:
    """Some thousand rows of a hundred merchants, in a database that is not emptied: nothing here writes to it."""
    postgres.create_database("psp_indexes")
    url = postgres.url("psp_indexes")
    migrate(url)
    make_logins(url)
    settings = Settings(
        database_url=SecretStr(url),
        sqs_endpoint_url=sqs.endpoint_url,
        sqs_queue_name="indexes",
        drain_linger_s=0,
        drain_receive_wait_s=0,
    )
    core = core_of_logins(settings, clock=SettableClock())
    create_queues(core)
    rows = [
        a_new_transaction(customer_id=f"merchant-{number % 100}", amount_minor=100 + number) for number in range(5_000)
    ]
    core.accept_transactions([a_submission(*rows)])
    core.keep_relaying().run_until_empty()
    core.drain_queue()
    with reach.postgres(core.store).engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("ANALYZE")
    core.check_books.require()
    yield core
    core.close()


@pytest.fixture
def plans(merchants: Core) -> Iterator[list[str]]:
    """The plan of every statement that reads from now on."""
    found: list[str] = []

    def explain(_: Any, cursor: Any, statement: str, parameters: Any, *__: Any) -> None:
        if statement.startswith("SELECT id"):
            cursor.execute(f"EXPLAIN {statement}", parameters)
            found.append("\n".join(row[0] for row in cursor))

    readers = reach.postgres(merchants.read_merchant.store).read_only
    event.listen(readers, "before_cursor_execute", explain)
    yield found
    event.remove(readers, "before_cursor_execute", explain)


class TestAFilter:
    @pytest.mark.parametrize(
        ("where", "index", "condition"),
        [
            (TransactionFilter(), "transactions_merchant_idx", "customer_id"),
            (TransactionFilter(status=TransactionStatus.PAID), "transactions_merchant_idx", "status"),
            (TransactionFilter(payment_method=PaymentMethod.DEBIT_CARD), "transactions_merchant_idx", "payment_method"),
            (TransactionFilter(amount_min=7, amount_max=9), "transactions_merchant_idx", "amount_minor"),
            (TransactionFilter(created_from=NOW), "transactions_merchant_idx", "id >="),
            (TransactionFilter(reference="order 66"), "transactions_reference_idx", "reference"),
            (TransactionFilter(transaction_id=ID), "transactions_", "id ="),
            (TransactionFilter(settlement_id=ID), "payables_settlement_idx", "settlement_id"),
            (TransactionFilter(payment_from=NOW + timedelta(days=60)), "payables_merchant_idx", "payment_at"),
        ],
    )
    def test_of_transactions_uses_an_index(
        self, merchants: Core, plans: list[str], where: TransactionFilter, index: str, condition: str
    ) -> None:
        merchants.read_merchant.transactions("merchant-7", where=where, page=Page())

        self._assert_uses(plans, index, condition)

    @pytest.mark.parametrize(
        ("where", "index", "condition"),
        [
            (PayableFilter(), "payables_merchant_idx", "customer_id"),
            (PayableFilter(created_from=NOW), "payables_merchant_idx", "id >="),
            (PayableFilter(status=PayableStatus.PAID), "payables_merchant_idx", "status"),
            (PayableFilter(payment_method=PaymentMethod.DEBIT_CARD), "payables_merchant_idx", "payment_method"),
            (PayableFilter(amount_min=7, amount_max=9), "payables_merchant_idx", "amount_minor"),
            (PayableFilter(payment_from=NOW + timedelta(days=60)), "payables_merchant_idx", "payment_at"),
            (PayableFilter(due_on=TODAY), "payables_merchant_idx", "payment_at"),
            (PayableFilter(due_from=TODAY), "payables_merchant_idx", "payment_at"),
            (PayableFilter(due_before=TODAY), "payables_merchant_idx", "payment_at"),
            # Most payables are of this type: the list itself finds them.
            (PayableFilter(type=PayableType.CREDIT), "payables_merchant_idx", "customer_id"),
            (PayableFilter(type=PayableType.REFUND), "payables_returned_idx", "customer_id"),
            (PayableFilter(source_id=ID), "payables_source_idx", "source_id"),
            (PayableFilter(transaction_id=ID), "payables_transaction_installment_key", "transaction_id"),
            (PayableFilter(settlement_id=ID), "payables_settlement_idx", "settlement_id"),
            (PayableFilter(reference="order 66"), "transactions_reference_idx", "reference"),
        ],
    )
    def test_of_payables_uses_an_index(
        self, merchants: Core, plans: list[str], where: PayableFilter, index: str, condition: str
    ) -> None:
        merchants.read_merchant.payables("merchant-7", where=where, page=Page())

        self._assert_uses(plans, index, condition)

    def _assert_uses(self, plans: list[str], index: str, condition: str) -> None:
        [plan] = plans
        assert "Seq Scan" not in plan
        assert index in plan
        assert any(condition in line for line in plan.splitlines() if "Index Cond" in line)
