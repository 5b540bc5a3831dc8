"""A real Postgres and a real SQS endpoint for the whole session; every test begins with empty ones.

`make test` shares the tests out among several processes: each is a session with servers of its own.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine

from psp_core.adapters.postgres.schema.migrate import migrate
from psp_core.adapters.postgres.schema.tables import metadata
from psp_core.bootstrap import Core
from psp_core.settings import Settings
from psp_local.ports import free_port, keep_to_share
from psp_local.postgres import THROWAWAY_SETTINGS, EmbeddedPostgres
from psp_local.sqs import EmbeddedSqs
from tests.builders import SettableClock
from tests.folders import open_folder
from tests.groups import group_of, start_of
from tests.logins import core_of_logins, make_logins
from tests.reach import create_queues

DUMMY_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Return how many processes `-n auto` starts: one more than cores, since most tests wait for other processes.

    With two for each core, platforms, browser and generated requests starve each other.
    No more than there are files, when files are named: one process runs all tests of a file.
    """
    named = {name.partition("::")[0] for name in config.args}
    most = 1 + len(os.sched_getaffinity(0))
    return min(most, len(named)) if all(Path(name).is_file() for name in named) else most


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Let one process run all tests of a group: those that share what is slow to start, else those of a file."""
    from xdist.scheduler import LoadScopeScheduling

    class GroupScheduling(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    return GroupScheduling(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the groups that take longest, so that none is left alone in the end; keep the order within each."""
    items.sort(key=lambda item: start_of(item.nodeid))


@pytest.fixture(scope="session", autouse=True)
def _no_settings_from_outside() -> None:
    for name in [name for name in os.environ if name.startswith(("PSP_", "DAGSTER_", "OTEL_"))]:
        del os.environ[name]
    os.environ.update(DUMMY_CREDENTIALS)


@pytest.fixture(scope="session", autouse=True)
def _ports_of_our_own() -> None:
    """Between finding a free port and listening on it lie seconds, in which another of the processes could find it."""
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):
        keep_to_share(number=int(worker.removeprefix("gw")), of=int(os.environ["PYTEST_XDIST_WORKER_COUNT"]))


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    with (
        open_folder() as folder,
        EmbeddedPostgres(folder / "postgres", free_port(), settings=THROWAWAY_SETTINGS) as server,
    ):
        yield server


@pytest.fixture(scope="session")
def sqs() -> Iterator[EmbeddedSqs]:
    with open_folder() as folder, EmbeddedSqs(folder / "sqs", free_port()) as server:
        yield server


@pytest.fixture(scope="session")
def migrated_url(postgres: EmbeddedPostgres) -> str:
    postgres.create_database("psp_test")
    migrate(postgres.url("psp_test"))
    make_logins(postgres.url("psp_test"))
    return postgres.url("psp_test")


@pytest.fixture
def database_url(migrated_url: str) -> str:
    """A database at the newest schema, with nothing in it."""
    names = [table.name for table in metadata.sorted_tables]
    engine = create_engine(migrated_url)
    with engine.begin() as connection:
        # To empty a table takes 7 ms, full or not, and most tests write to few.
        looks = " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT FROM {name})" for name in names)
        if full := connection.exec_driver_sql(looks).scalars().all():
            connection.exec_driver_sql(f"TRUNCATE {', '.join(full)} RESTART IDENTITY CASCADE")
    engine.dispose()
    return migrated_url


@pytest.fixture
def settings(database_url: str, sqs: EmbeddedSqs, tmp_path: Path) -> Settings:
    return Settings(
        database_url=database_url,
        sqs_endpoint_url=sqs.endpoint_url,
        sqs_queue_name=f"test-{uuid.uuid4().hex[:12]}",
        drain_linger_s=0,
        drain_receive_wait_s=0,
        reports_url=f"file:{tmp_path / 'reports'}",
    )


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
def core(settings: Settings, clock: SettableClock) -> Iterator[Core]:
    """The real core on real servers, each part with its own login; only its clock is the test's.

    The books must balance in the end.
    """
    core = core_of_logins(settings, clock=clock)
    create_queues(core)
    yield core
    core.check_books.require()
    core.check_books.require_everything()
    core.close()
