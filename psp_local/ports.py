"""TCP ports of this machine: find a free one, and name whoever holds a busy one."""

from __future__ import annotations

import secrets
import socket

from psp_local import LocalStackError

LOOPBACK = "127.0.0.1"
# From 32768 on, Linux hands ports to outgoing connections: a server that restarts there finds its port taken.
_FREE_PORTS = range(20_000, 32_768)
_ATTEMPTS_MAX = 1_000
_TIMEOUT_S = 5
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


def answers_http(port: int, *, path: str) -> bool:
    """Tell whether a GET is answered, by anything but a server's error."""
    import httpx

    try:
        # There is no TLS here, and reading all certificates takes longer than the answer.
        answer = httpx.get(f"http://{LOOPBACK}:{port}{path}", timeout=_TIMEOUT_S, trust_env=False, verify=False)  # noqa: S501
    except httpx.HTTPError:
        return False
    return not answer.is_server_error


def who_uses(port: int) -> str | None:
    """Return who listens on the port, as `name (pid 123)`; `None` when nobody does."""
    import psutil

    for one in psutil.net_connections("tcp"):
        if one.status == psutil.CONN_LISTEN and one.laddr.port == port:
            return f"{psutil.Process(one.pid).name()} (pid {one.pid})" if one.pid else "a process of another user"
    return None


def require_free(port: int, *, purpose: str, setting: str) -> None:
    """Raise `LocalStackError` when the port is taken; `setting` is the variable that chooses another one."""
    if is_free(port):
        return
    holder = who_uses(port) or "a process outside this container"
    raise LocalStackError(
        f"Port {port}, meant for {purpose}, is in use by {holder}: stop that, or choose another port with {setting}=…"
    )
