"""Temporary folders that every user of the machine may enter."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def open_folder() -> Iterator[Path]:
    """Make a folder outside pytest's own, which is closed to others: as root, Postgres runs as another user."""
    with tempfile.TemporaryDirectory(prefix="psp-test-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield Path(name)
