"""How long after its POST a transaction's payable can be read, at a steady 200 a second."""

from __future__ import annotations

import http.client
import itertools
import json
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from bench.results import HopResult, Row, percentile
from bench.rig import processes
from bench.rig.rounds import Bench
from bench.rig.servers import TABLES
from psp_core.adapters.sqs import SqsQueue, SqsSettings
from psp_local import LocalStackError
from psp_local.ports import LOOPBACK

RATE_PER_S = 200
_SENDERS = 16
_SAMPLED_IN = 10
_WATCHED = "watched-merchant"
_POLL_S = 0.02
_PATIENCE_S = 15
_DATABASE = "bench_latency"
_BODY = {
    "description": "Lightsaber",
    "amount": "2500",
    "payment_method": "credit_card",
    "card_number": "4111111111111111",
    "card_holder_name": "Luke Skywalker",
    "card_expiration_date": "10/30",
    "card_verification_code": "737",
}


@dataclass
class Steady:
    """One round: when each sampled request was due to be sent, and when its payable was first seen."""

    port: int
    count: int
    begin_s: float = 0.0
    sent: dict[str, float] = field(default_factory=dict)
    seen: dict[str, float] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    _done: threading.Event = field(default_factory=threading.Event)

    def run(self) -> list[float]:
        """Send, watch, and return the latencies in milliseconds, for every sample."""
        watcher = threading.Thread(target=self._watch)
        self.begin_s = time.monotonic() + 0.5
        senders = [threading.Thread(target=self._send, args=(first,)) for first in range(_SENDERS)]
        for thread in (watcher, *senders):
            thread.start()
        for thread in senders:
            thread.join()
        deadline_s = time.monotonic() + _PATIENCE_S
        while self.sent.keys() - self.seen.keys() and time.monotonic() < deadline_s:
            time.sleep(_POLL_S)
        self._done.set()
        watcher.join()
        unseen = self.sent.keys() - self.seen.keys()
        if self.failures or unseen:
            raise LocalStackError(f"{len(unseen)} payables were never seen; {self.failures[:3]}")
        return [(self.seen[id] - sent_s) * 1e3 for id, sent_s in self.sent.items()]

    def _send(self, first: int) -> None:
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=30)
        body = json.dumps(_BODY)
        for number in range(first, self.count, _SENDERS):
            # Measured from when it should be sent: a request that had to wait for its turn has waited.
            due_s = self.begin_s + number / RATE_PER_S
            time.sleep(max(0.0, due_s - time.monotonic()))
            is_sample = number % _SAMPLED_IN == 0
            merchant = _WATCHED if is_sample else f"merchant-{number % 1000:04}"
            headers = {"Content-Type": "application/json", "x-customer-id": merchant, "Idempotency-Key": f"k{number}"}
            answer, text = _request(connection, "POST", "/transactions", body=body, headers=headers)
            if answer != http.HTTPStatus.CREATED:
                self.failures.append(f"{answer}: {text[:100]!r}")
            elif is_sample:
                self.sent[json.loads(text)["id"]] = due_s
        connection.close()

    def _watch(self) -> None:
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=30)
        for tick in itertools.count():
            if self._done.is_set():
                break
            time.sleep(max(0.0, self.begin_s + tick * _POLL_S - time.monotonic()))
            _, text = _request(connection, "GET", "/payables?limit=50", headers={"x-customer-id": _WATCHED})
            now_s = time.monotonic()
            for row in json.loads(text):
                self.seen.setdefault(row["transaction_id"], now_s)
        connection.close()


def latency(bench: Bench) -> HopResult:
    """Measure with API, relay and a drain run live; each round is a load of its own."""
    seconds = bench.seconds(30, quick=3)
    name = f"bench-{uuid.uuid4().hex[:8]}"
    SqsQueue(SqsSettings(queue_name=name, endpoint_url=bench.servers.sqs.endpoint_url)).create()
    p50: list[float] = []
    p99: list[float] = []
    most: list[float] = []
    with (
        bench.servers.database(_DATABASE),
        bench.servers.api(_DATABASE, with_relay=True, PSP_SQS_QUEUE_NAME=name) as port,
    ):
        for number in range(bench.rounds):
            found = _one_round(bench, port, queue_name=name, count=round(seconds * RATE_PER_S))
            p50.append(percentile(found, 50))
            p99.append(percentile(found, 99))
            most.append(max(found))
            bench.say(f"latency, round {number + 1} of {bench.rounds}: p50 {p50[-1]:.0f} ms, p99 {p99[-1]:.0f} ms")
    what = f"POST to payable visible, steady {RATE_PER_S} a second"
    return HopResult(
        name="latency",
        title="POST to payable visible",
        method=f"{RATE_PER_S} single transactions a second for {seconds:.0f} s a round, sent on time by {_SENDERS} "
        "connections; API, relay and a drain run (`core.drain_queue` in its own process) live. One in "
        f"{_SAMPLED_IN} belongs to a merchant whose `GET /payables` is asked every {_POLL_S * 1e3:.0f} ms: from the "
        "moment the POST was due to the answer that has the payable.",
        rows=[
            Row(f"{what}: p50", "ms", p50, below=300),
            Row(f"{what}: p99", "ms", p99, below=1_000),
            Row(f"{what}: worst", "ms", most),
        ],
    )


def _one_round(bench: Bench, port: int, *, queue_name: str, count: int) -> list[float]:
    bench.servers.run(_DATABASE, f"TRUNCATE {TABLES}")
    bench.servers.settle_down(_DATABASE)
    settings = {"PSP_SQS_QUEUE_NAME": queue_name, "PSP_DRAIN_LINGER_S": "5"}
    worker = processes.start(bench.servers.environment(_DATABASE, **settings), "drain")
    try:
        worker.wait_until_ready()
        found = Steady(port, count).run()
        worker.report()
    finally:
        worker.end()
    return found


def _request(
    connection: http.client.HTTPConnection, method: str, path: str, *, headers: dict[str, str], body: str | None = None
) -> tuple[int, bytes]:
    connection.request(method, path, body=body, headers=headers)
    answer: Any = connection.getresponse()
    return answer.status, answer.read()
