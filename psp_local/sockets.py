"""Unix sockets of this machine, in folders that nobody else may enter."""

from __future__ import annotations

import hashlib
import os
import socket
import stat
import tempfile
from pathlib import Path

from psp_local import LocalStackError

PATH_BYTES_MAX = 100
"""Linux takes 107 for the path of a socket."""


def socket_below(data_dir: Path, *, name: str) -> Path:
    """Return where the socket of that name is: below `data_dir`, or in the temporary folder when that is too deep."""
    path = data_dir / "sockets" / name
    if len(os.fsencode(path)) <= PATH_BYTES_MAX:
        return path
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"psp-{os.geteuid()}-{digest}" / name


def close_to_others(folder: Path) -> None:
    """Make the folder, for this user alone. Raises `LocalStackError` when it is somebody else's."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise LocalStackError(f"{folder} belongs to somebody else: remove it, or choose another PSP_DATA_DIR.")
    folder.chmod(0o700)


def answers_on(path: Path) -> bool:
    """Tell whether something accepts connections on the socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True
