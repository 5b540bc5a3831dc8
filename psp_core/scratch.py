"""Folders for a process's temporary files. Those of processes that were killed are swept at the next start.

A folder is its owner's as long as a lock in it is held, which ends with the process and those that it forked: neither a
process id that is used again nor one of another container can be mistaken for the owner.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_LOCK = ".owner"


@contextmanager
def scratch_folder(kind: str) -> Iterator[Path]:
    """Make a folder `psp-KIND-…` in the temporary folder, and remove it in the end."""
    folder, lock = open_scratch_folder(kind)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def open_scratch_folder(kind: str) -> tuple[Path, int]:
    """Sweep the folders of the kind whose owners are gone, and make one; the lock is held until it is closed."""
    sweep(kind)
    folder = Path(tempfile.mkdtemp(prefix=_prefix(kind)))
    lock = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    return folder, lock


def sweep(kind: str) -> list[Path]:
    """Remove the folders of the kind that were left behind, and return them."""
    swept = []
    for folder in Path(tempfile.gettempdir()).glob(f"{_prefix(kind)}*"):
        # Without a lock it is just being made; another user's cannot be opened.
        with suppress(OSError):
            lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
                swept.append(folder)
            finally:
                os.close(lock)
    return swept


def _prefix(kind: str) -> str:
    return f"psp-{kind}-"
