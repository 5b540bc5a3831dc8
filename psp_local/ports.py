"""TCP ports of this machine: find a free one, and name whoever holds a busy one."""

from __future__ import annotations

import http.client
import os
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path

from psp_local import LocalStackError

LOOPBACK = "127.0.0.1"
# From 32768 on, Linux hands ports to outgoing connections: a server that restarts there finds its port taken.
_FREE_PORTS = range(20_000, 32_768)
_ATTEMPTS_MAX = 1_000
_TIMEOUT_S = 5
_LISTENING = "0A"
_handed_out: set[int] = set()


def free_port() -> int:
    """Return a port below 32768 that nothing listens on and that this process has not handed out before."""
    for _ in range(_ATTEMPTS_MAX):
        port = secrets.choice(_FREE_PORTS)
        if port not in _handed_out and is_free(port):
            _handed_out.add(port)
            return port
    raise LocalStackError(f"No free port between {_FREE_PORTS.start} and {_FREE_PORTS.stop - 1} was found.")


def keep_to_share(*, number: int, of: int) -> None:
    """Let this process hand out every `of`-th port only: others, with other numbers, never hand out the same."""
    _handed_out.update(port for port in _FREE_PORTS if port % of != number % of)


def is_free(port: int) -> bool:
    """Tell whether a server could listen on the loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a connection that is still in TIME_WAIT does not make the port busy.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def answers(port: int) -> bool:
    """Tell whether something accepts connections on the loopback port."""
    try:
        socket.create_connection((LOOPBACK, port), timeout=1).close()
    except OSError:
        return False
    return True


def answers_http(port: int, *, path: str) -> bool:
    """Tell whether a GET is answered, by anything but a server's error."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", path)
        return connection.getresponse().status < http.HTTPStatus.INTERNAL_SERVER_ERROR
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def who_uses(port: int) -> str | None:
    """Return who listens on the port, as `name (pid 123)`; `None` when nobody does."""
    sockets = set(_listening_inodes(port))
    if not sockets:
        return None
    for pid in filter(str.isdigit, os.listdir("/proc")):
        if sockets & set(_open_sockets(pid)):
            return f"{_name(pid)} (pid {pid})"
    return "a process of another user"


def require_free(port: int, *, purpose: str, setting: str) -> None:
    """Raise `LocalStackError` when the port is taken; `setting` is the variable that chooses another one."""
    if is_free(port):
        return
    holder = who_uses(port) or "a process outside this container"
    raise LocalStackError(
        f"Port {port}, meant for {purpose}, is in use by {holder}: stop that, or choose another port with {setting}=…"
    )


def _listening_inodes(port: int) -> Iterator[str]:
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for fields in map(str.split, lines):
            if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                yield f"socket:[{fields[9]}]"


def _open_sockets(pid: str) -> Iterator[str]:
    try:
        for descriptor in os.listdir(f"/proc/{pid}/fd"):
            yield os.readlink(f"/proc/{pid}/fd/{descriptor}")
    except OSError:
        # The process ended meanwhile, or belongs to somebody else.
        return


def _name(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    except OSError:
        return "a process"
