"""A migration beside a running API: nobody's request fails, whatever else reads the tables meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Event

import httpx
import pytest
from sqlalchemy import create_engine

from psp_core.adapters.postgres.schema.migrate import migrate
from psp_core.adapters.postgres.schema.schema_version import is_current
from psp_core.domain.kernel.errors import StorageUnavailable
from psp_local.postgres import EmbeddedPostgres
from psp_local.sqs import EmbeddedSqs
from tests.api.bodies import a_body
from tests.api.server import api_program
from tests.waiting import wait_for

CLIENTS = 4


@pytest.fixture
def old_database(postgres: EmbeddedPostgres) -> str:
    """A database of the first release, as far as writing needs it."""
    postgres.create_database("psp_migration_test")
    migrate(postgres.url("psp_migration_test"), revision="0001")
    return postgres.url("psp_migration_test")


@pytest.fixture
def url(old_database: str, sqs: EmbeddedSqs, tmp_path: Path) -> Iterator[str]:
    environment = {
        "PSP_DATABASE_URL": old_database,
        "PSP_SQS_ENDPOINT_URL": sqs.endpoint_url,
        "PSP_SQS_QUEUE_NAME": "migration",
    }
    program, url = api_program(tmp_path, environment=environment)
    with program:
        yield url


class TestMigrate:
    def test_fails_no_request_behind_an_open_transaction(
        self, old_database: str, url: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        engine, ended = create_engine(old_database), Event()

        def post() -> list[int]:
            statuses = []
            with httpx.Client(base_url=url, headers={"x-customer-id": "m"}, timeout=30, verify=False) as client:
                while not ended.is_set():
                    statuses.append(client.post("/transactions", json=a_body()).status_code)
            return statuses

        with ThreadPoolExecutor(CLIENTS + 1) as pool, engine.connect() as reader:
            reader.exec_driver_sql("SELECT FROM transactions LIMIT 1")
            with pytest.raises(StorageUnavailable, match="waited too long"):
                migrate(old_database, patience_s=0)
            clients = [pool.submit(post) for _ in range(CLIENTS)]
            migration: Future[None] = pool.submit(migrate, old_database)
            # It tried, gave way, and tried again while the reader kept the table.
            wait_for(lambda: caplog.text.count("waits for a table") > 2, within_s=30, what="attempts")
            reader.rollback()
            migration.result(60)
            ended.set()
            statuses = [status for client in clients for status in client.result(30)]

        assert set(statuses) == {201}
        assert len(statuses) > CLIENTS
        with engine.connect() as connection:
            assert is_current(connection)
        engine.dispose()
