from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from psycopg2.errors import InsufficientPrivilege
from sqlalchemy import Connection, create_engine, make_url
from sqlalchemy.exc import DatabaseError, DBAPIError

from psp_core.adapters.postgres.schema.migrate import check_models, migrate
from psp_core.adapters.postgres.store import PoolLimits, PostgresStore, open_store
from psp_core.bootstrap import Core
from psp_core.domain.kernel.errors import NotFound
from psp_local.ports import free_port
from psp_local.postgres import THROWAWAY_SETTINGS, EmbeddedPostgres
from tests.builders import a_new_transaction, a_submission
from tests.reach import postgres

READABLE = ["transactions", "payables", "settlements", "refunds", "ledger_balances", "ledger_state"]
PARTLY_EVERYBODYS = ["plan_rules", "holidays"]
ELSEWHERE = [
    "outbox",
    "idempotency_keys",
    "fee_plans",
    "api_keys",
    "returned_amounts",
    "merchant_terms",
    "reserve_lots",
    "write_offs",
]
MERCHANTS = 50

# The statements of the merchant's lists and single objects, as the adapters write them.
INDEXED = {
    "SELECT * FROM transactions WHERE customer_id = %(me)s ORDER BY id DESC LIMIT 100": "transactions_merchant_idx",
    "SELECT * FROM transactions WHERE id = %(id)s AND customer_id = %(me)s": "transactions_",
    "SELECT * FROM payables WHERE customer_id = %(me)s ORDER BY id DESC LIMIT 100": "payables_merchant_idx",
    "SELECT * FROM payables WHERE customer_id = %(me)s AND transaction_id = %(id)s ORDER BY id DESC LIMIT 100": (
        "payables_transaction_installment_key"
    ),
    "SELECT * FROM transactions ORDER BY id DESC LIMIT 100": "transactions_merchant_idx",
    "SELECT * FROM transactions WHERE id < %(id)s ORDER BY id DESC LIMIT 100": "transactions_merchant_idx",
}


@pytest.fixture
def store(database_url: str) -> Iterator[PostgresStore]:
    """A pool of a single connection: whoever comes next gets what the last one left."""
    store = open_store(database_url, limits=PoolLimits(size=1))
    yield store
    store.close()


def accept_and_drain(core: Core) -> None:
    for customer_id in ("merchant-1", "merchant-2"):
        core.accept_transactions([a_submission(a_new_transaction(customer_id=customer_id))])
    core.keep_relaying().run_until_empty()
    core.drain_queue()


def merchants_in(connection: Connection, table: str) -> set[str]:
    return set(connection.exec_driver_sql(f"SELECT customer_id FROM {table}").scalars())


class TestReadAs:
    def test_shows_one_merchants_rows_even_without_a_where_clause(self, core: Core) -> None:
        accept_and_drain(core)

        with postgres(core.store).begin() as work:
            assert merchants_in(work.connection, "transactions") == {"merchant-1", "merchant-2"}
        for table in ("transactions", "payables"):
            with postgres(core.store).read_as("merchant-1") as work:
                assert merchants_in(work.connection, table) == {"merchant-1"}

    def test_shows_nothing_for_a_where_clause_that_names_another_merchant(self, core: Core) -> None:
        accept_and_drain(core)

        with postgres(core.store).read_as("merchant-1") as work:
            rows = work.connection.exec_driver_sql("SELECT FROM transactions WHERE customer_id = 'merchant-2'")

            assert rows.all() == []

    def test_hides_another_merchants_object_from_a_use_case_that_asks_for_it(self, core: Core) -> None:
        accept_and_drain(core)
        with postgres(core.store).begin() as work:
            foreign = work.connection.exec_driver_sql("SELECT id FROM transactions WHERE customer_id = 'merchant-2'")
            id = foreign.scalar_one()

        with pytest.raises(NotFound):
            core.read_merchant.transaction("merchant-1", id=id)

    @pytest.mark.parametrize("name", ["", "merchant", "merchant-1 ", "MERCHANT-1", "merchant-1' OR ''='", "%", "\\"])
    def test_takes_the_name_literally(self, core: Core, name: str) -> None:
        accept_and_drain(core)

        with postgres(core.store).read_as(name) as work:
            assert merchants_in(work.connection, "transactions") == set()

    @pytest.mark.parametrize("table", [table for table in READABLE if table != "ledger_state"])
    def test_refuses_to_write(self, store: PostgresStore, table: str) -> None:
        for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET customer_id = 'merchant-1'"):
            with pytest.raises(DBAPIError, match=r"permission denied|read-only"), store.read_as("merchant-1") as work:
                work.connection.exec_driver_sql(statement)

    def test_refuses_to_write_even_as_the_owner(self, store: PostgresStore) -> None:
        with pytest.raises(DBAPIError, match="read-only"), store.read_as("merchant-1") as work:
            work.connection.exec_driver_sql("RESET ROLE; DELETE FROM transactions")
        with pytest.raises(DBAPIError, match="must be set before any query"), store.read_as("merchant-1") as work:
            work.connection.exec_driver_sql("SET TRANSACTION READ WRITE")

    @pytest.mark.parametrize("table", ELSEWHERE)
    def test_cannot_even_read_the_other_tables(self, store: PostgresStore, table: str) -> None:
        with pytest.raises(DBAPIError, match="permission denied"), store.read_as("merchant-1") as work:
            work.connection.exec_driver_sql(f"SELECT FROM {table}")

    @pytest.mark.parametrize("fails", [False, True])
    def test_leaves_nothing_to_the_connections_next_user(self, core: Core, store: PostgresStore, fails: bool) -> None:
        accept_and_drain(core)
        state = (
            "SELECT pg_backend_pid(), current_user, current_setting('role'), current_setting('transaction_read_only'),"
            " coalesce(current_setting('psp.customer_id', true), '')"
        )
        with store.begin() as work:
            before = work.connection.exec_driver_sql(state).one()

        try:
            with store.read_as("merchant-1") as work:
                during = work.connection.exec_driver_sql(state).one()
                if fails:
                    work.connection.exec_driver_sql("SELECT 1 / 0")
        except DatabaseError:
            assert fails

        assert during[1:] == ("psp_merchant", "psp_merchant", "on", "merchant-1")
        with store.begin() as work:
            assert work.connection.exec_driver_sql(state).one() == before
            assert merchants_in(work.connection, "transactions") == {"merchant-1", "merchant-2"}
        with store.read_as("merchant-2") as work:
            assert work.connection.exec_driver_sql(state).one()[0] == before[0]
            assert merchants_in(work.connection, "transactions") == {"merchant-2"}

    def test_costs_one_statement_more(self, store: PostgresStore) -> None:
        with store.begin() as work:
            count = "SELECT sum(calls) FROM pg_stat_statements WHERE query LIKE '%%set_config%%psp.customer_id%%'"
            work.connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
            work.connection.exec_driver_sql("SELECT pg_stat_statements_reset()")

        for _ in range(5):
            with store.read_as("merchant-1") as work:
                work.connection.exec_driver_sql("SELECT FROM transactions")

        with store.begin() as work:
            assert work.connection.exec_driver_sql(count).scalar_one() == 5

    @pytest.mark.parametrize(("statement", "index"), INDEXED.items())
    def test_keeps_the_indexes_in_use(self, store: PostgresStore, statement: str, index: str) -> None:
        with store.begin() as work:
            _fill(work.connection)
        parameters = {"me": "merchant-7", "id": UUID(int=2**127)}

        with store.read_as("merchant-7") as work:
            plan = "\n".join(work.connection.exec_driver_sql(f"EXPLAIN {statement}", parameters).scalars())

        assert index in plan
        assert "Seq Scan" not in plan


class TestRowLevelSecurity:
    def test_covers_every_table_that_the_role_may_read(self, store: PostgresStore) -> None:
        with store.begin() as work:
            rows = work.connection.exec_driver_sql(
                "SELECT relname, relrowsecurity, relforcerowsecurity, (SELECT count(*) FROM pg_policy"
                " WHERE polrelid = pg_class.oid AND polroles && ARRAY[0, 'psp_merchant'::regrole]::oid[])"
                " FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm') AND relnamespace = 'public'::regnamespace"
                " AND has_any_column_privilege('psp_merchant', oid, 'SELECT') AND relname NOT LIKE 'pg_stat%%'"
                " ORDER BY 1"
            ).all()

        assert rows == [(table, True, True, 1) for table in sorted([*READABLE, *PARTLY_EVERYBODYS])]

    def test_gives_the_role_no_way_in_and_no_power(self, store: PostgresStore) -> None:
        with store.begin() as work:
            role = work.connection.exec_driver_sql(
                "SELECT rolcanlogin, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication"
                " FROM pg_roles WHERE rolname = 'psp_merchant'"
            ).one()

        assert not any(role)

    def test_shows_nothing_to_the_role_without_a_merchant(self, core: Core) -> None:
        accept_and_drain(core)

        with postgres(core.store).begin() as work:
            work.connection.exec_driver_sql("SET LOCAL ROLE psp_merchant")

            assert merchants_in(work.connection, "transactions") == set()


class TestMigration:
    """As on RDS: nobody is a superuser, and a cluster may hold several databases of the platform."""

    def test_makes_the_role_and_takes_it_on_as_an_owner_with_createrole(self, cluster: EmbeddedPostgres) -> None:
        url = create_owned_database(cluster, name="first", attributes="CREATEROLE")

        migrate(url)

        check_models(url)
        assert read_as_a_merchant(url) == "psp_merchant"

    def test_tells_an_owner_who_may_not_take_on_the_role_what_to_do(self, cluster: EmbeddedPostgres) -> None:
        migrate(create_owned_database(cluster, name="first", attributes="CREATEROLE"))
        url = create_owned_database(cluster, name="second", attributes="NOCREATEROLE")
        with pytest.raises(InsufficientPrivilege, match="GRANT psp_merchant TO second"):
            migrate(url)
        execute(cluster.url(), "GRANT psp_merchant TO second")
        others = "psp_api, psp_relay, psp_runs, psp_operator, psp_support TO second"
        with pytest.raises(InsufficientPrivilege, match=f"GRANT {others}"):
            migrate(url)
        execute(cluster.url(), f"GRANT {others}")
        with pytest.raises(InsufficientPrivilege, match="GRANT psp_webserver TO second"):
            migrate(url)
        execute(cluster.url(), "GRANT psp_webserver TO second")

        migrate(url)

        assert read_as_a_merchant(url) == "psp_merchant"


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """A server of its own: roles belong to all databases of one."""
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    with EmbeddedPostgres(tmp_path, free_port(), settings=THROWAWAY_SETTINGS) as server:
        yield server


def create_owned_database(cluster: EmbeddedPostgres, *, name: str, attributes: str) -> str:
    execute(cluster.url(), f"CREATE ROLE {name} LOGIN {attributes} PASSWORD 'owner'")
    execute(cluster.url(), f"CREATE DATABASE {name} OWNER {name}")
    return make_url(cluster.url(name)).set(username=name, password="owner").render_as_string(hide_password=False)


def execute(url: str, statement: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()


def read_as_a_merchant(url: str) -> str:
    store = open_store(url, limits=PoolLimits(size=1))
    with store.read_as("merchant-1") as work:
        assert merchants_in(work.connection, "transactions") == set()
        role: str = work.connection.exec_driver_sql("SELECT current_user").scalar_one()
    store.close()
    return role


def _fill(connection: Connection) -> None:
    connection.exec_driver_sql(
        "INSERT INTO transactions SELECT uuid7_at(now() - n * interval '1 second'), 'merchant-' || n %% %(merchants)s,"
        " 'paid', 100, 'BRL', 'credit_card', 1, '', NULL, 'Luke', '2030-01-01', '1111', 'visa', now(), now()"
        " FROM generate_series(1, 20000) AS n",
        {"merchants": MERCHANTS},
    )
    connection.exec_driver_sql(
        "INSERT INTO payables SELECT uuid7_at(created_at), id, customer_id, 'credit', 'waiting_funds', payment_method,"
        " 1, 1, currency, amount_minor, 0, 0, amount_minor, now(), '2026-01-01', NULL, NULL, now(), now()"
        " FROM transactions"
    )
    connection.exec_driver_sql("ANALYZE transactions, payables")
