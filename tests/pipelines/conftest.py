from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from psp_local.postgres import EmbeddedPostgres
from tests.pipelines.pages import running_webserver


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Warnings are errors, except Dagster's that a part of it is new: its release is pinned."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore::dagster.BetaWarning", "ignore::dagster.PreviewWarning"))


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """Dagster's own records, in memory."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture(scope="session")
def webserver_url(
    postgres: EmbeddedPostgres, migrated_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The real webserver's address, on the database of `core`."""
    with running_webserver(postgres, database_url=migrated_url, folder=tmp_path_factory.mktemp("dagster")) as url:
        yield url
