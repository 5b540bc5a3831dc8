"""The load generators: wrk for HTTP, pgbench for the bare database."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bench.rig.servers import Servers
from psp_local import LocalStackError
from psp_local.ports import LOOPBACK

HERE = Path(__file__).parent
_GRACE_S = 60
_RESULT = re.compile(r"^RESULT (\{.*\})$", re.MULTILINE)
_TPS = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})

# The row that POST /transactions stores, in the same table; the id is Postgres's own UUID of version 7.
_INSERT = """\\set merchant random(1000, 1999)
INSERT INTO transactions (id, customer_id, status, amount_minor, currency, payment_method, installments, description,
 reference, card_holder_name, card_expires_on, card_last_four, card_brand, created_at, updated_at)
VALUES (uuidv7(), 'merchant-'::text || :merchant, 'pending_payment', 2500, 'BRL', 'credit_card', 1,
 'Lightsaber', 'order-1', 'Luke Skywalker', '2030-10-01', '1111', 'visa', now(), now());
"""


@dataclass(frozen=True, slots=True)
class HttpLoad:
    """What wrk counted; latencies in milliseconds."""

    requests: int
    rate: float
    p50_ms: float
    p99_ms: float
    failed: int


def require_wrk() -> None:
    """Raise `LocalStackError` when wrk is not installed."""
    if shutil.which("wrk") is None:
        raise LocalStackError("`wrk` makes the HTTP load and is missing: on Debian and Ubuntu, apt-get install wrk.")


def post_transactions(port: int, *, seconds: float, tag: str, clients: int) -> HttpLoad:
    """POST single transactions for some seconds; `tag` begins every Idempotency-Key."""
    url = f"http://{LOOPBACK}:{port}/transactions"
    return _wrk([f"-c{clients}", "-s", str(HERE / "post.lua"), url, "--", tag], seconds=seconds)


def get(port: int, path: str, *, seconds: float, headers: Mapping[str, str] = _NO_HEADERS) -> HttpLoad:
    """GET the path by one connection, one request after the other."""
    named = [option for name, value in headers.items() for option in ("-H", f"{name}: {value}")]
    return _wrk(["-c1", *named, "-s", str(HERE / "list.lua"), f"http://{LOOPBACK}:{port}{path}"], seconds=seconds)


def be_greedy(port: int, kind: str, *, merchant: str, seconds: float, connections: int) -> HttpLoad:
    """Ask for all that there is as one merchant: `reads` is the deepest page and heavy lists, `batches` of 1,000."""
    url = f"http://{LOOPBACK}:{port}/"
    options = [f"-c{connections}", "-s", str(HERE / "greedy.lua"), url, "--", kind, merchant]
    # Somebody else's processor: here it gets what the service leaves.
    return _wrk(options, seconds=seconds, prefix=("nice", "-n", "19"))


def insert_single_rows(servers: Servers, database: str, *, seconds: float, clients: int) -> float:
    """Return the commits a second of pgbench: a prepared INSERT of one row each."""
    script = servers.folder / "insert.sql"
    script.write_text(_INSERT, encoding="utf-8")
    options = ("-n", "-M", "prepared", "-c", str(clients), "-j", "2", "-T", str(max(1, round(seconds))))
    command, environment = servers.pgbench(*options, "-f", str(script), database)
    answer = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=seconds + _GRACE_S
    )
    found = _TPS.search(answer.stdout)
    if answer.returncode or not found:
        raise LocalStackError(f"pgbench failed: {(answer.stderr.strip() or answer.stdout.strip())[:300]}")
    return float(found[1])


def _wrk(arguments: list[str], *, seconds: float, prefix: Sequence[str] = ()) -> HttpLoad:
    command = [*prefix, "wrk", "-t1", f"-d{max(1, round(seconds))}s", "--timeout", "10s", "--latency", *arguments]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds + _GRACE_S)
    found = _RESULT.search(answer.stdout)
    if answer.returncode or not found:
        raise LocalStackError(f"wrk failed: {(answer.stderr or answer.stdout).strip()[-300:]}")
    counted = json.loads(found[1])
    return HttpLoad(
        requests=counted["requests"],
        rate=counted["requests"] / (counted["duration_us"] / 1e6),
        p50_ms=counted["p50_us"] / 1e3,
        p99_ms=counted["p99_us"] / 1e3,
        failed=counted["refused"] + counted["broken"],
    )


def fetch(port: int, path: str, *, headers: Mapping[str, str]) -> Any:
    """GET the path once and return what its JSON says."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=60)
    connection.request("GET", path, headers=dict(headers))
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    if answer.status != http.HTTPStatus.OK:
        raise LocalStackError(f"{path} was answered {answer.status}: {text[:200]!r}")
    return json.loads(text)
