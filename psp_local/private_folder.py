"""The stack's folder and what it writes there: for the user who started it, and for nobody else on the machine."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from psp_local import LocalStackError

FOLDER_MODE, FILE_MODE = 0o700, 0o600
# What a stack makes. Somebody may have set PSP_DATA_DIR to a folder that holds more than that.
_OWN = ("stack.lock", "env", "api-key-pepper", "logs", "dagster", "reports", "sqs", "demo")


def make_private(folder: Path) -> None:
    """Make the folder, and close it and what an earlier version left open in it; what is written from now on is closed.

    The embedded Postgres keeps its own folder closed, for its own user. Raises `LocalStackError` for a folder of
    another user's, or one that was there before and is no stack's.
    """
    os.umask(~FOLDER_MODE & 0o777)
    folder.mkdir(parents=True, exist_ok=True)
    if folder.stat().st_uid != os.geteuid():
        raise LocalStackError(f"{folder} belongs to another user: run as that user, or set PSP_DATA_DIR to another.")
    if any(folder.iterdir()) and not any((folder / name).exists() for name in _OWN):
        raise LocalStackError(f"{folder} holds something else than a stack: set PSP_DATA_DIR to a folder of its own.")
    folder.chmod(FOLDER_MODE)
    for name in _OWN:
        for path in _below(folder / name):
            _close(path)


def _below(path: Path) -> Iterator[Path]:
    yield path
    for parent, folders, files in os.walk(path):
        yield from (Path(parent, name) for name in folders + files)


def _close(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        # Not made yet, or removed while we looked.
        return
    wanted = FOLDER_MODE if stat.S_ISDIR(mode) else FILE_MODE
    if not stat.S_ISLNK(mode) and stat.S_IMODE(mode) != wanted:
        path.chmod(wanted)
