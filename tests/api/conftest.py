"""The API under gunicorn for all tests of this folder, with a database and a queue of its own.

A relay runs in it, so it must not share those of other tests. Each test is a merchant of its own.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from psp_core.adapters.postgres.schema.migrate import migrate
from psp_core.bootstrap import Core, build_core
from psp_core.settings import Settings
from psp_local.postgres import EmbeddedPostgres
from psp_local.sqs import EmbeddedSqs
from tests.api.server import Api, api_program
from tests.builders import SettableClock
from tests.logins import api_urls, make_logins
from tests.reach import create_queues


@pytest.fixture(scope="package")
def api_settings(postgres: EmbeddedPostgres, sqs: EmbeddedSqs) -> Settings:
    postgres.create_database("psp_api_test")
    migrate(postgres.url("psp_api_test"))
    make_logins(postgres.url("psp_api_test"))
    return Settings(
        database_url=postgres.url("psp_api_test"),
        sqs_endpoint_url=sqs.endpoint_url,
        sqs_queue_name=f"api-{uuid.uuid4().hex[:12]}",
        drain_linger_s=0,
        drain_receive_wait_s=0,
    )


@pytest.fixture(scope="package")
def api_environment(api_settings: Settings) -> dict[str, str]:
    return {
        **api_urls(api_settings.database_url.get_secret_value()),
        "PSP_SQS_ENDPOINT_URL": str(api_settings.sqs_endpoint_url),
        "PSP_SQS_QUEUE_NAME": api_settings.sqs_queue_name,
    }


@pytest.fixture(scope="package")
def api(
    api_settings: Settings, api_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Api]:
    core = build_core(api_settings)
    create_queues(core)
    program, url = api_program(tmp_path_factory.mktemp("api"), environment=api_environment)
    with program:
        yield Api(url, core, program.log_file)
    core.check_books.require()
    core.store.close()


@pytest.fixture
def merchant() -> str:
    return f"merchant-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def client(api: Api, merchant: str) -> Iterator[httpx.Client]:
    with api.client(merchant) as client:
        yield client


@pytest.fixture
def in_a_month(api: Api) -> Core:
    """The core, 31 days later: everything that was accepted today is due."""
    return replace(api.core, clock=SettableClock(datetime.now(UTC) + timedelta(days=31)))
