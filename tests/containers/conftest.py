from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest

from tests.containers.composed_platform import ComposedPlatform, composed_platform
from tests.folders import open_folder

# Read before the session's fixtures take every PSP_* variable away.
_WANTED = os.environ.get("PSP_CONTAINERS", "")


@pytest.fixture(scope="session")
def composed() -> Iterator[ComposedPlatform]:
    """One composed platform for all tests of this folder; PSP_CONTAINERS=required makes its absence a failure."""
    if not _WANTED:
        pytest.skip("PSP_CONTAINERS is not set: .ci/containers builds the images and tests them running")
    if reason := _missing():
        (pytest.fail if _WANTED == "required" else pytest.skip)(reason)
    with open_folder() as folder, composed_platform(folder) as platform:
        yield platform


def _missing() -> str | None:
    for command in (["docker", "info"], ["docker", "compose", "version"]):
        try:
            subprocess.run(command, capture_output=True, check=True)
        except (OSError, subprocess.CalledProcessError):
            return f"no Docker engine answers: `{' '.join(command)}` failed"
    return None
