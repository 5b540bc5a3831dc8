"""docs/scaling.md's migration to monthly partitions: it is run as it stands there, and then the product on it."""

from __future__ import annotations

import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import create_engine, inspect

from bench.hops.settlement import require_books
from bench.rig.rounds import Bench
from bench.rig.seeds import add_due_payables
from bench.rig.servers import ROOT, Servers
from psp_core.adapters.clock import SystemClock
from psp_core.adapters.postgres.schema.migrate import migrate
from psp_core.adapters.postgres.schema.tables import metadata
from psp_core.domain.kernel.paging import Page
from psp_core.domain.payables import PayableFilter
from psp_core.settings import Settings
from psp_local.postgres import EmbeddedPostgres
from psp_local.sqs import EmbeddedSqs
from tests.builders import a_new_transaction, a_submission
from tests.logins import CoreOfLogins, core_of_logins, make_logins

DATABASE = "partitioned"
TODAY = datetime.now(UTC).date()


@pytest.fixture
def bench(postgres: EmbeddedPostgres, sqs: EmbeddedSqs, tmp_path: Path) -> Bench:
    servers = Servers(postgres, sqs, tmp_path)
    servers.run("postgres", f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
    postgres.create_database(DATABASE)
    migrate(postgres.url(DATABASE))
    add_due_payables(servers, DATABASE, count=200, due_on=TODAY - timedelta(days=1))
    [migration] = re.findall(r"```sql\n(.*?)```", (ROOT / "docs" / "scaling.md").read_text(), flags=re.DOTALL)
    (tmp_path / "migration.sql").write_text(migration)
    command, environment = servers.pgbench()
    command = [command[0].replace("pgbench", "psql"), *command[1:]]
    options = ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(tmp_path / "migration.sql"), DATABASE]
    done = subprocess.run([*command, *options], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Bench(servers, rounds=1, is_quick=True, folder=tmp_path)


@pytest.fixture
def partitioned(bench: Bench) -> CoreOfLogins:
    url = bench.servers.url(DATABASE)
    make_logins(url)
    return core_of_logins(Settings(database_url=url, settlement_chunk_payables=50), clock=SystemClock())


class TestMonthlyPartitions:
    def test_let_the_product_go_on_unchanged(self, bench: Bench, partitioned: CoreOfLogins) -> None:
        created = partitioned.accept_transactions([a_submission(a_new_transaction(installments=3), key="k")])
        newest = "SELECT id::text FROM transactions WHERE customer_id = 'merchant-1'"
        ids = [UUID(bench.servers.value(newest, database=DATABASE))]
        first = partitioned.create_payables(ids)
        again = partitioned.create_payables(ids)
        settled = partitioned.settle_payables(due_on=TODAY - timedelta(days=1))
        listed = partitioned.read_merchant.payables("merchant-1", where=PayableFilter(), page=Page(limit=10))

        assert len(created) == 1
        assert (first.created, again.created, again.existing) == (3, 0, 3)
        assert sum(totals.count for totals in settled.by_currency().values()) == 200
        assert [payable.installment for payable in listed] == [3, 2, 1]
        require_books(bench, DATABASE)
        partitioned.close()

    def test_put_new_months_into_their_own_tables(self, bench: Bench) -> None:
        bench.servers.run(
            DATABASE,
            """UPDATE transactions SET id = uuid7_at(now() + INTERVAL '1 month')
               WHERE id = (SELECT min(id::text)::uuid FROM transactions)""",
        )

        first, later = bench.servers.row(
            """SELECT count(*) FILTER (WHERE tableoid = 'transactions_first'::regclass),
                      count(*) FILTER (WHERE tableoid <> 'transactions_first'::regclass) FROM transactions""",
            database=DATABASE,
        )

        assert (first, later) == (199, 1)

    def test_keep_every_index_that_the_program_expects(self, bench: Bench) -> None:
        engine = create_engine(bench.servers.url(DATABASE))
        for table in ("transactions", "payables"):
            found = {index["name"]: index["column_names"] for index in inspect(engine).get_indexes(table)}
            for index in metadata.tables[table].indexes:
                assert found[str(index.name)] == [column.name for column in index.columns]
        engine.dispose()

    def test_hide_other_merchants_rows(self, bench: Bench) -> None:
        connection = bench.servers.connect(DATABASE)
        with connection.cursor() as cursor:
            cursor.execute("SET ROLE psp_merchant; SET psp.customer_id = 'merchant-0001'")
            cursor.execute("SELECT DISTINCT customer_id FROM payables")
            seen = cursor.fetchall()
        connection.close()

        assert seen == [("merchant-0001",)]
