from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest


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
