"""The stack's folder and what it writes there: for the user who started it, and for nobody else on the machine."""

from __future__ import annotations

import hashlib
import os
import socket
import stat
import tempfile
from pathlib import Path

from psp_local import LocalStackError

FOLDER_MODE = 0o700
SOCKET_PATH_BYTES_MAX = 100
"""Linux takes 107 for the path of a socket."""
# What a stack makes. Somebody may have set PSP_DATA_DIR to a folder that holds more than that.
_OWN = ("stack.lock", "env", "api-key-pepper", "logs", "dagster", "reports", "sqs", "demo")


def make_private(folder: Path) -> None:
    """Make the folder, and close it; what is written from now on is closed, too.

    The embedded Postgres keeps its own folder closed, for its own user. Raises `LocalStackError` for a folder of
    another user's, or one that was there before and is no stack's.
    """
    os.umask(~FOLDER_MODE & 0o777)
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()) and not any((folder / name).exists() for name in _OWN):
        raise LocalStackError(f"{folder} holds something else than a stack: set PSP_DATA_DIR to a folder of its own.")
    close_to_others(folder)


def close_to_others(folder: Path) -> None:
    """Make the folder, for this user alone. Raises `LocalStackError` when it is somebody else's."""
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise LocalStackError(f"{folder} belongs to somebody else: remove it, or choose another PSP_DATA_DIR.")
    folder.chmod(FOLDER_MODE)


def socket_below(data_dir: Path, *, name: str) -> Path:
    """Return where the socket of that name is: below `data_dir`, or in the temporary folder when that is too deep."""
    path = data_dir / "sockets" / name
    if len(os.fsencode(path)) <= SOCKET_PATH_BYTES_MAX:
        return path
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"psp-{os.geteuid()}-{digest}" / name


def answers_on(path: Path) -> bool:
    """Tell whether something accepts connections on the socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0
