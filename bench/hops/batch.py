"""POST /transactions/batch of 1,000 beside COPY of the same rows."""

from __future__ import annotations

import http.client
import io
import json
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from bench.results import HopResult, Row
from bench.rig.rounds import Bench, timed
from bench.rig.servers import TABLES
from psp_core.adapters.clock import TimeOrderedIds
from psp_local import LocalStackError
from psp_local.ports import LOOPBACK

ROWS = 1_000
_API, _BARE = "bench_api", "bench_bare"
_COPY = """COPY transactions (id, customer_id, status, amount_minor, currency, payment_method, installments,
 description, reference, card_holder_name, card_expires_on, card_last_four, card_brand, created_at, updated_at)
FROM STDIN"""


def batch(bench: Bench) -> HopResult:
    """Measure whole batches, each in one commit: from one client, which the target is for, and from four."""
    servers = bench.servers
    batches = bench.size(60, quick=4)
    rows = []
    with servers.database(_API), servers.database(_BARE), servers.api(_API, with_relay=False) as port:
        _post(port, clients=1, batches=2, tag="warm-up")
        for clients in (1, 4):

            def product(number: int, clients: int = clients) -> float:
                _prepare(bench)
                seconds = timed(lambda: _post(port, clients=clients, batches=batches, tag=f"{clients}-{number}"))
                _require_stored(bench, batches)
                return batches * ROWS / seconds

            def baseline(_number: int, clients: int = clients) -> float:
                texts = [_copied_rows() for _ in range(batches)]
                _prepare(bench)
                return batches * ROWS / timed(lambda: _copy(bench, texts, clients=clients))

            what = f"batches of {ROWS:,}, {clients} client{'s' * (clients > 1)}"
            mine, bare = bench.compare(what, product=product, baseline=baseline)
            target = 0.25 if clients == 1 else None
            rows.append(Row(f"`POST /transactions/batch`: {what}", "transactions/s", mine, bare, at_least=target))
    return HopResult(
        name="batch",
        title="POST /transactions/batch",
        method=f"{batches} batches of {ROWS:,} a round over kept-alive connections, bodies made beforehand, one "
        "`Idempotency-Key` each. Baseline: COPY of the same rows into the same table by psycopg2, from text made "
        "beforehand, a commit for each 1,000 rows, from as many connections. The relay is off in both.",
        rows=rows,
    )


def _prepare(bench: Bench) -> None:
    bench.servers.run(_API, f"TRUNCATE {TABLES}")
    bench.servers.run(_BARE, f"TRUNCATE {TABLES}")
    bench.servers.settle_down(_API, _BARE)


def _require_stored(bench: Bench, batches: int) -> None:
    stored = bench.servers.value("SELECT count(*) FROM transactions", database=_API)
    if stored != batches * ROWS:
        raise LocalStackError(f"{batches * ROWS} transactions were sent, {stored} are stored")


def _post(port: int, *, clients: int, batches: int, tag: str) -> None:
    body = json.dumps([_transaction(number) for number in range(ROWS)]).encode()

    def send(client: int) -> None:
        connection = http.client.HTTPConnection(LOOPBACK, port, timeout=60)
        for number in range(client, batches, clients):
            headers = {
                "Content-Type": "application/json",
                "x-customer-id": f"merchant-{number % 1000:04}",
                "Idempotency-Key": f"{tag}-{number}",
            }
            connection.request("POST", "/transactions/batch", body=body, headers=headers)
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != http.HTTPStatus.CREATED:
                raise LocalStackError(f"a batch was answered {answer.status}: {text[:200]!r}")
        connection.close()

    _in_threads(send, clients=clients)


def _copy(bench: Bench, texts: Sequence[str], *, clients: int) -> None:
    def copy(client: int) -> None:
        connection = bench.servers.connect(_BARE)
        with connection.cursor() as cursor:
            for text in texts[client::clients]:
                cursor.copy_expert(_COPY, io.StringIO(text))
        connection.close()

    _in_threads(copy, clients=clients)


def _in_threads(work: Callable[[int], None], *, clients: int) -> None:
    failures: list[Exception] = []

    def guarded(client: int) -> None:
        try:
            work(client)
        except Exception as failure:  # noqa: BLE001  (raised again below, in the caller's thread)
            failures.append(failure)

    threads = [threading.Thread(target=guarded, args=(client,)) for client in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def _transaction(number: int) -> dict[str, str]:
    return {
        "description": "Lightsaber",
        "amount": str(2_500 + number),
        "payment_method": "credit_card",
        "card_number": "4111111111111111",
        "card_holder_name": "Luke Skywalker",
        "card_expiration_date": "10/30",
        "card_verification_code": "737",
        "reference": f"order-{number}",
    }


def _copied_rows() -> str:
    now = datetime.now(UTC)
    ids = TimeOrderedIds().new(at=now, count=ROWS)
    return "".join(
        f"{id}\tmerchant-0001\tpending_payment\t{2_500 + number}\tBRL\tcredit_card\t1\tLightsaber\torder-{number}"
        f"\tLuke Skywalker\t2030-10-01\t1111\tvisa\t{now.isoformat()}\t{now.isoformat()}\n"
        for number, id in enumerate(ids)
    )
