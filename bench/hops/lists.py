"""GET /payables at ten million rows beside the bare query by psycopg2."""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from bench.results import HopResult, Row
from bench.rig import load
from bench.rig.rounds import Bench
from bench.rig.seeds import LARGE_MERCHANT, add_listed_payables
from psp_local import LocalStackError

LIMIT = 100
_DEEP_PAGE = 1_000
_DATABASE = "bench_lists"
_COLUMNS = """id, transaction_id, customer_id, type, status, payment_method, installment, installments, currency,
 amount_minor, fee_bps, fee_minor, receivable_minor, payment_at, due_on, paid_at, settlement_id, created_at,
 updated_at"""
_FIRST = f"SELECT {_COLUMNS} FROM payables WHERE customer_id = %s ORDER BY id DESC LIMIT {LIMIT}"  # noqa: S608
_AFTER = f"SELECT {_COLUMNS} FROM payables WHERE customer_id = %s AND id < %s ORDER BY id DESC LIMIT {LIMIT}"  # noqa: S608


@dataclass(frozen=True, slots=True)
class _Page:
    what: str
    path: str
    query: str
    values: tuple[Any, ...]


def lists(bench: Bench) -> HopResult:
    """Measure the first page and the thousandth, the latter by cursor and by number."""
    count = bench.size(10_000_000, quick=20_000)
    deep = bench.size(_DEEP_PAGE, quick=20)
    with bench.servers.database(_DATABASE):
        bench.say(f"seeding {count:,} payables")
        add_listed_payables(bench.servers, _DATABASE, count=count)
        bench.servers.settle_down(_DATABASE)
        with bench.servers.api(_DATABASE, with_relay=False) as port:
            rows = [_compare(bench, port, page, count=count) for page in _pages(bench, deep)]
        size = bench.servers.value(f"SELECT pg_size_pretty(pg_database_size('{_DATABASE}'))")
    return HopResult(
        name="lists",
        title="GET /payables",
        method=f"wrk, one connection, one request after the other, for the merchant who has a fifth of {count:,} "
        f"payables ({size} with their indexes). Baseline: the same columns and rows by psycopg2 on one connection in "
        "autocommit, fetched as Python objects. The pages hold the same rows.",
        rows=rows,
    )


def _compare(bench: Bench, port: int, page: _Page, *, count: int) -> Row:
    _require_same(bench, port, page)
    mine, bare = bench.compare(
        page.what,
        product=lambda _: _product(bench, port, page),
        baseline=lambda _: _baseline(bench, page),
    )
    what = f"`GET /payables?limit={LIMIT}` at {count:,} rows, {page.what}"
    return Row(what, "requests/s", mine, bare, at_least=0.3)


def _pages(bench: Bench, deep: int) -> list[_Page]:
    skipped = (deep - 1) * LIMIT
    found: str = bench.servers.value(
        f"SELECT id::text FROM payables WHERE customer_id = '{LARGE_MERCHANT}'"  # noqa: S608
        f" ORDER BY id DESC LIMIT 1 OFFSET {skipped - 1}",
        database=_DATABASE,
    )
    last = UUID(found)
    cursor = base64.urlsafe_b64encode(last.bytes).rstrip(b"=").decode()
    base = f"/payables?limit={LIMIT}"
    return [
        _Page("first page", base, _FIRST, (LARGE_MERCHANT,)),
        _Page(f"page {deep:,} by cursor", f"{base}&cursor={cursor}", _AFTER, (LARGE_MERCHANT, str(last))),
        _Page(f"page {deep:,} by number", f"{base}&page={deep}", f"{_FIRST} OFFSET {skipped}", (LARGE_MERCHANT,)),
    ]


def _product(bench: Bench, port: int, page: _Page) -> float:
    bench.servers.settle_down(_DATABASE)
    done = load.get(port, page.path, seconds=bench.seconds(5), headers={"x-customer-id": LARGE_MERCHANT})
    if done.failed:
        raise LocalStackError(f"{done.failed} of {done.requests} requests for {page.path} failed")
    return done.rate


def _baseline(bench: Bench, page: _Page) -> float:
    bench.servers.settle_down(_DATABASE)
    connection = bench.servers.connect(_DATABASE)
    count, seconds = 0, bench.seconds(5)
    started_s = time.perf_counter()
    while time.perf_counter() - started_s < seconds:
        with connection.cursor() as cursor:
            cursor.execute(page.query, page.values)
            if len(cursor.fetchall()) != LIMIT:
                raise LocalStackError(f"{page.what}: not {LIMIT} rows")
        count += 1
    elapsed_s = time.perf_counter() - started_s
    connection.close()
    return count / elapsed_s


def _require_same(bench: Bench, port: int, page: _Page) -> None:
    """The API's page must hold the very rows that the bare query returns."""
    connection = bench.servers.connect(_DATABASE)
    with connection.cursor() as cursor:
        cursor.execute(page.query, page.values)
        wanted = [str(row[0]) for row in cursor.fetchall()]
    connection.close()
    found = [row["id"] for row in load.fetch(port, page.path, headers={"x-customer-id": LARGE_MERCHANT})]
    if found != wanted:
        raise LocalStackError(f"{page.what}: the API's rows are not the bare query's")
