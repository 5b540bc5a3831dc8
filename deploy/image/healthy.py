"""Ends with 0 while the container is well: it asks the container's first process in the way that suits it.

The image has one HEALTHCHECK, and its containers run the API, Dagster's webserver, code server or daemon, or a command
that ends by itself. Nothing heavy is imported: this runs every few seconds, for ever.
"""

from __future__ import annotations

import os
import sys
import urllib.request
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

_TIMEOUT_S = 10
_PORT_FLAGS = ("-p", "--port")


def probe_of(words: Sequence[str], *, api_bind: str) -> tuple[str, str]:
    """Return what to ask (`http`, `grpc`, `daemon` or `nothing`) and where, for a process with this command line."""
    names = [Path(word).name for word in words]
    if "gunicorn" in names:
        return "http", f"http://127.0.0.1:{api_bind.rpartition(':')[2]}/health/live"
    if "dagster-webserver" in names:
        return "http", f"http://127.0.0.1:{_port(words)}/server_info"
    if "code-server" in names:
        return "grpc", f"127.0.0.1:{_port(words)}"
    return ("daemon" if "dagster-daemon" in names else "nothing"), ""


def _port(words: Sequence[str]) -> str:
    return next(value for flag, value in pairwise(words) if flag in _PORT_FLAGS)


def _ask_http(url: str) -> None:
    with urllib.request.urlopen(url, timeout=_TIMEOUT_S):  # noqa: S310 - the URL is one of the two above
        pass


def _ask_grpc(address: str) -> None:
    import grpc
    from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
    from grpc_health.v1.health_pb2_grpc import HealthStub

    with grpc.insecure_channel(address) as channel:
        answer = HealthStub(channel).Check(HealthCheckRequest(service="DagsterApi"), timeout=_TIMEOUT_S)
    if answer.status != HealthCheckResponse.SERVING:
        sys.exit(f"{address} says {answer.status}")


def main() -> None:
    """Ask, and end with another code than 0 when there is no good answer."""
    words = Path("/proc/1/cmdline").read_text(encoding="utf-8").split("\0")
    kind, where = probe_of(words, api_bind=os.environ.get("PSP_API_BIND", "127.0.0.1:3000"))
    if kind == "http":
        _ask_http(where)
    elif kind == "grpc":
        _ask_grpc(where)
    elif kind == "daemon":
        os.execvp("dagster-daemon", ["dagster-daemon", "liveness-check"])  # noqa: S606, S607 - becomes it; on the PATH


if __name__ == "__main__":
    main()
