"""Every field of a record lies in the column of its name: no two values here are alike, so a swap is seen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, create_engine, text

from psp_core.adapters.postgres.columns import Plain, Record
from psp_core.adapters.postgres.operations.leases import Holding
from psp_core.adapters.postgres.schema import tables
from psp_core.adapters.postgres.store import PoolLimits, PostgresStore, open_store
from psp_core.domain.access import ApiKey, KeyMode, Scope
from psp_core.domain.intake.idempotency import Intake
from psp_core.domain.intake.transactions import PaymentMethod, Transaction, TransactionStatus
from psp_core.domain.kernel.money import Currency, Money
from psp_core.domain.kernel.paging import Page
from psp_core.domain.operations.leases import Lease
from psp_core.domain.payables import Payable, PayableFilter, PayableSource, PayableStatus, PayableType

TRANSACTION_ID, PAYABLE_ID, SETTLEMENT_ID = (UUID(int=number) for number in (1, 2, 3))
FIRST, SECOND, THIRD, FOURTH = (datetime(2026, 3, 10, hour, tzinfo=UTC) for hour in (1, 2, 3, 4))

TRANSACTION = Transaction(
    id=TRANSACTION_ID,
    status=TransactionStatus.PENDING_PAYMENT,
    created_at=FIRST,
    updated_at=SECOND,
    customer_id="merchant",
    description="description",
    amount=Money(1_001, Currency.EUR),
    payment_method=PaymentMethod.CREDIT_CARD,
    card_holder_name="holder",
    card_expires_on=date(2030, 1, 1),
    card_last_four="1234",
    card_brand="brand",
    installments=7,
    reference="reference",
)
PAYABLE = Payable(
    id=PAYABLE_ID,
    transaction_id=TRANSACTION_ID,
    customer_id="merchant",
    type=PayableType.CREDIT,
    status=PayableStatus.PAID,
    payment_method=PaymentMethod.DEBIT_CARD,
    installment=2,
    installments=7,
    amount=Money(1_001, Currency.EUR),
    fee_bps=99,
    fee=Money(9, Currency.EUR),
    receivable=Money(992, Currency.EUR),
    payment_at=FIRST,
    due_on=date(2026, 4, 1),
    paid_at=SECOND,
    settlement_id=SETTLEMENT_ID,
    created_at=THIRD,
    updated_at=FOURTH,
)

KEY = ApiKey(
    id="0123456789abcdef",
    customer_id="merchant",
    mode=KeyMode.TEST,
    scopes=frozenset(Scope),
    token_hmac=bytes(range(32)),
    created_at=FIRST,
    expires_at=SECOND,
    revoked_at=THIRD,
    last_used_at=FOURTH,
)


@pytest.fixture
def store(database_url: str) -> Iterator[PostgresStore]:
    with closing(open_store(database_url, limits=PoolLimits(size=1))) as store:
        yield store


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = create_engine(database_url)
    yield engine
    engine.dispose()


def stored(engine: Engine, table: str) -> dict[str, Any]:
    with engine.connect() as connection:
        connection.execute(text("SET timezone = 'UTC'"))
        return dict(connection.execute(text(f"SELECT * FROM {table}")).mappings().one())


class TestATransaction:
    def test_lies_in_the_columns_of_its_names(self, store: PostgresStore, engine: Engine) -> None:
        store.accept([Intake([TRANSACTION])], now=FIRST, traceparent=None)

        expected = TRANSACTION._asdict() | {"amount_minor": 1_001, "currency": "EUR"}
        assert stored(engine, "transactions") == {name: each for name, each in expected.items() if name != "amount"}

    def test_is_read_as_it_was_written(self, store: PostgresStore) -> None:
        store.accept([Intake([TRANSACTION])], now=FIRST, traceparent=None)

        with store.begin() as work:
            assert work.transactions.find("merchant", TRANSACTION_ID) == TRANSACTION
            assert work.transactions.find("merchant", PAYABLE_ID) is None
            assert work.transactions.sources([TRANSACTION_ID]) == [
                PayableSource(
                    transaction_id=TRANSACTION_ID,
                    customer_id="merchant",
                    amount=Money(1_001, Currency.EUR),
                    payment_method=PaymentMethod.CREDIT_CARD,
                    installments=7,
                    created_at=FIRST,
                    card_brand=TRANSACTION.card_brand,
                )
            ]

    def test_is_a_source_of_payables_if_it_is_there_however_often_it_is_asked_for(self, store: PostgresStore) -> None:
        ids = [UUID(int=TRANSACTION_ID.int + number) for number in (0, 2, 1)]
        store.accept([Intake([TRANSACTION._replace(id=id)]) for id in ids], now=FIRST, traceparent=None)
        before, after = (UUID(int=TRANSACTION_ID.int + number) for number in (-1, 9))

        with store.begin() as work:
            for wanted in ([*ids, *ids], [before, *ids], [*ids, after]):
                found = work.transactions.sources(wanted)
                assert [source.transaction_id for source in found] == sorted(ids)
            assert work.transactions.sources([after]) == []


class TestAPayable:
    def test_lies_in_the_columns_of_its_names(self, store: PostgresStore, engine: Engine) -> None:
        with store.begin() as work:
            assert [made.count for made in work.payables.add_missing([PAYABLE])] == [1]

        expected = PAYABLE._asdict() | {
            "amount_minor": 1_001,
            "fee_minor": 9,
            "receivable_minor": 992,
            "currency": "EUR",
        }
        others = {"amount", "fee", "receivable"}
        assert stored(engine, "payables") == {name: each for name, each in expected.items() if name not in others}

    def test_is_read_as_it_was_written(self, store: PostgresStore) -> None:
        with store.begin() as work:
            work.payables.add_missing([PAYABLE])

            assert work.payables.find("merchant", PAYABLE_ID) == PAYABLE
            assert work.payables.page("merchant", PayableFilter(), Page(10)) == [PAYABLE]


class TestAnApiKey:
    def test_lies_in_the_columns_of_its_names(self, store: PostgresStore, engine: Engine) -> None:
        with store.begin() as work:
            work.api_keys.add(KEY)

        row = stored(engine, "api_keys")
        assert row | {"token_hmac": bytes(row["token_hmac"])} == asdict(KEY) | {"scopes": ["read", "write"]}

    def test_is_read_as_it_was_written(self, store: PostgresStore) -> None:
        with store.begin() as work:
            work.api_keys.add(KEY)

            assert work.api_keys.find(KEY.id) == KEY
            assert work.api_keys.list(customer_id="merchant", limit=10) == [KEY]


class TestAnOutboxEntry:
    def test_is_read_as_it_was_written(self, store: PostgresStore) -> None:
        store.accept([Intake([TRANSACTION])], now=SECOND, traceparent="00-trace")

        with store.begin() as work:
            [entry] = work.outbox.claim(limit=10)

        assert (entry.transaction_ids, entry.created_at, entry.traceparent) == ([TRANSACTION_ID], SECOND, "00-trace")


class TestALease:
    def test_lies_in_the_columns_of_its_names_and_is_read_as_it_was_written(
        self, store: PostgresStore, engine: Engine
    ) -> None:
        first, last = date(2026, 4, 1), date(2026, 4, 2)
        holding = Holding(store.autocommit, name="name", holder="holder", lease_s=60, due_dates=(first, last))

        assert holding.take()
        with store.begin() as work:
            leases = work.leases.all()
        row = stored(engine, "leases")
        holding.release()

        assert leases == [Lease("name", "holder", (first, last), is_live=True)]
        assert {name: row[name] for name in ("name", "token", "holder", "first_due_on", "last_due_on")} == {
            "name": "name",
            "token": holding.token,
            "holder": "holder",
            "first_due_on": first,
            "last_due_on": last,
        }
        assert row["taken_at"] + timedelta(seconds=60) == row["lapses_at"]


class TestRecord:
    def test_refuses_a_class_that_lacks_a_column_of_its_table(self) -> None:
        with pytest.raises(ValueError, match=r"transactions and PayableSource do not agree on .*card_holder_name"):
            Record(PayableSource, tables.transactions, {"transaction_id": Plain("id")})

    def test_refuses_a_column_that_the_table_lacks(self) -> None:
        with pytest.raises(ValueError, match=r"do not agree on .*nobody"):
            Record(Transaction, tables.transactions, {"reference": Plain("nobody")})
