"""Ends with 0 while the container is well: it asks the container's first process in the way that suits it.

The image has one HEALTHCHECK, and its containers run the API, Dagster's webserver, code server or daemon, or a command
that ends by itself. Nothing heavy is imported: this runs every few seconds, for ever.
"""

from __future__ import annotations

import os
import re
import sys
import urllib.request
from collections.abc import Sequence
from pathlib import Path

_TIMEOUT_S = 10
_PORT = re.compile(r" (?:-p|--port)[ =](\d+)")
# The daemon beats every 30 seconds. It ends by itself when one of its threads does not. The table is Dagster's own:
# decision 21 says why it is read here, and its test fails when the table changes.
_HEARTBEAT_WITHIN_S = 180
_HEARTBEATS = """
SELECT count(*) FROM daemon_heartbeats
WHERE timestamp > now() AT TIME ZONE 'utc' - make_interval(secs => %s)
"""


def probe_of(words: Sequence[str], *, api_bind: str) -> tuple[str, str]:
    """Return what to ask (`http`, `grpc`, `daemon` or `nothing`) and where, for a process with this command line."""
    names = [Path(word).name for word in words]
    if "gunicorn" in names:
        return "http", f"http://127.0.0.1:{api_bind.rpartition(':')[2]}/health/live"
    if "psp_pipelines.access.webserver" in names:
        return "http", f"http://127.0.0.1:{_port(words)}/server_info"
    # `dagster code-server` on AWS, where runs are tasks; `dagster api grpc` where they are its processes.
    if "code-server" in names or "grpc" in names:
        return "grpc", f"127.0.0.1:{_port(words)}"
    return ("daemon" if "dagster-daemon" in names else "nothing"), ""


def _port(words: Sequence[str]) -> str:
    if found := _PORT.search(" ".join(words)):
        return found[1]
    sys.exit(f"no port is named in: {' '.join(words)}")


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


def ask_for_heartbeats() -> None:
    """Look for a sign of life since the daemon's start. Its own liveness check costs seconds of a processor."""
    import psycopg2

    variables = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD", "dbname": "DB"}
    where = {name: os.environ[f"DAGSTER_PG_{variable}"] for name, variable in variables.items()}
    patience_s = min(_HEARTBEAT_WITHIN_S, _age_of_first_process_s())
    connection = psycopg2.connect(**where, connect_timeout=_TIMEOUT_S)
    with connection, connection.cursor() as cursor:
        cursor.execute(_HEARTBEATS, (patience_s,))
        if cursor.fetchone() == (0,):
            sys.exit(f"the daemon gave no sign of life in the last {patience_s:.0f} s")


def _age_of_first_process_s() -> float:
    # After the command's name, which may have spaces in it: the 20th field is the start, in ticks since the boot.
    started = int(Path("/proc/1/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19])
    since_boot_s = float(Path("/proc/uptime").read_text(encoding="utf-8").split()[0])
    return since_boot_s - started / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Ask, and end with another code than 0 when there is no good answer."""
    words = Path("/proc/1/cmdline").read_text(encoding="utf-8").split("\0")
    kind, where = probe_of(words, api_bind=os.environ.get("PSP_API_BIND", "127.0.0.1:3000"))
    if kind == "http":
        _ask_http(where)
    elif kind == "grpc":
        _ask_grpc(where)
    elif kind == "daemon":
        ask_for_heartbeats()


if __name__ == "__main__":
    main()
