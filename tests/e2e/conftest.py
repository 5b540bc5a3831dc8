from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.platform import RunningPlatform, running_platform
from tests.folders import open_folder


@pytest.fixture(scope="package")
def platform() -> Iterator[RunningPlatform]:
    """One platform for all tests of this folder, and no longer, since it keeps half a core busy.

    A minute after a transaction was lost it is repaired.
    """
    settings = {"PSP_REPAIR_AFTER_MINUTES": "1", "PSP_SQS_VISIBILITY_TIMEOUT_S": "20"}
    with open_folder() as folder, running_platform(folder / "data", **settings) as platform:
        yield platform
