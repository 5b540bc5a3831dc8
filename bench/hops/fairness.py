"""What one merchant's requests take while another asks for everything, beside what they take alone."""

from __future__ import annotations

import http.client
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from statistics import median

from bench.results import HopResult, Row, percentile
from bench.rig import load
from bench.rig.rounds import Bench
from bench.rig.seeds import LARGE_MERCHANT, add_listed_payables
from psp_local.ports import LOOPBACK

RATE_PER_S = 50
TIMES_BELOW = 3
DEPLOYED_LIMIT = "60000"
"""The rate limit of both deployments."""

_ATTACKS = {"reads": 12, "batches": 16}
"""Connections."""

_SENDERS = 16
_WARM_UP_S = 2
_MODEST = "merchant-0001"
_DATABASE = "bench_fairness"
_BODY = json.dumps(
    {
        "description": "Lightsaber",
        "amount": "2500",
        "payment_method": "credit_card",
        "card_number": "4111111111111111",
        "card_holder_name": "Luke Skywalker",
        "card_expiration_date": "10/30",
        "card_verification_code": "737",
    }
)


@dataclass(frozen=True, slots=True)
class Times:
    """In milliseconds."""

    p50_ms: float
    p99_ms: float

    def __str__(self) -> str:
        return f"p50 {self.p50_ms:.1f} and p99 {self.p99_ms:.1f} ms"


@dataclass
class Modest:
    """A steady load, half of it lists and half transactions; times from when each request was due to be sent."""

    port: int
    seconds: float
    times_ms: list[float] = field(default_factory=list)
    failed: int = 0
    _begin_s: float = 0.0

    def run(self) -> Times:
        """Send all, and return how long the requests took."""
        self._begin_s = time.monotonic() + 0.2
        senders = [threading.Thread(target=self._send, args=(first,)) for first in range(_SENDERS)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        return Times(percentile(self.times_ms, 50), percentile(self.times_ms, 99))

    def _send(self, first: int) -> None:
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=30)
        connection.connect()
        for number in range(first, round(RATE_PER_S * self.seconds), _SENDERS):
            due_s = self._begin_s + number / RATE_PER_S
            time.sleep(max(0.0, due_s - time.monotonic()))
            headers = {"Content-Type": "application/json", "x-customer-id": _MODEST}
            if number // _SENDERS % 2:
                connection.request("POST", "/transactions", body=_BODY, headers=headers)
            else:
                connection.request("GET", "/payables?limit=10", headers=headers)
            answer = connection.getresponse()
            answer.read()
            self.times_ms.append((time.monotonic() - due_s) * 1e3)
            self.failed += answer.status not in {http.HTTPStatus.OK, http.HTTPStatus.CREATED}
        connection.close()


@dataclass
class _Measured:
    """One kind of attack, by rounds."""

    alone: list[Times] = field(default_factory=list)
    attacked: list[Times] = field(default_factory=list)
    failed: list[float] = field(default_factory=list)

    @property
    def times(self) -> list[float]:
        return [attacked.p99_ms / alone.p99_ms for attacked, alone in zip(self.attacked, self.alone, strict=True)]


def fairness(bench: Bench) -> HopResult:
    """Measure each attack as both deployments are set up, and then without a rate limit."""
    count = bench.size(1_000_000, quick=50_000)
    seconds = bench.seconds(10)
    rows: list[Row] = []
    with bench.servers.database(_DATABASE):
        add_listed_payables(bench.servers, _DATABASE, count=count)
        for limit, described in ((DEPLOYED_LIMIT, f"{DEPLOYED_LIMIT} rows a minute"), ("0", "without a rate limit")):
            for kind, connections in _ATTACKS.items():
                bench.servers.settle_down(_DATABASE)
                with bench.servers.api(_DATABASE, with_relay=False, PSP_API_RATE_LIMIT_PER_MINUTE=limit) as port:
                    found = _measure(bench, port, kind, seconds=seconds, what=f"{kind}, {described}")
                rows += _rows(found, what=f"another merchant beside {connections} connections of {kind}, {described}")
    return HopResult(
        name="fairness",
        title="Another merchant under an attack",
        method=f"A merchant sends {RATE_PER_S} requests a second for {seconds:.0f} s, half lists and half single "
        "transactions, each measured from when it was due; first alone, then while another merchant's requests follow "
        f"each other on {_ATTACKS['reads']} connections of wrk (`reads`: the deepest numbered page of 200, the same "
        f"filtered, the first page; of {count // 5:,} payables) or on {_ATTACKS['batches']} (`batches` of 1,000). The "
        "figure is the 99th percentile under the attack divided by that of the same round alone. First with the rate "
        "limit that both deployments have: of an attack, what comes before the minute's rows are used up is "
        "carried out, and the rest refused; both are within the measured time. Then without one. Both clients, the API "
        "and Postgres share the cores. wrk, which would be elsewhere, has the lowest priority (`nice` 19); the "
        "measured client has that of the API, so that its own waits for a core count.",
        rows=rows,
    )


def _measure(bench: Bench, port: int, kind: str, *, seconds: float, what: str) -> _Measured:
    found = _Measured()
    Modest(port, _WARM_UP_S).run()
    for number in range(bench.rounds):
        alone = Modest(port, seconds)
        found.alone.append(alone.run())
        attacked = Modest(port, seconds)
        with ThreadPoolExecutor(1) as pool:
            attack = pool.submit(
                load.be_greedy,
                port,
                kind,
                merchant=LARGE_MERCHANT,
                seconds=seconds + 2 * _WARM_UP_S,
                connections=_ATTACKS[kind],
            )
            time.sleep(_WARM_UP_S)
            found.attacked.append(attacked.run())
            greedy = attack.result()
        found.failed.append(float(alone.failed + attacked.failed))
        bench.say(
            f"{what}, round {number + 1} of {bench.rounds}: {found.attacked[-1]} against {found.alone[-1]} alone, "
            f"{found.times[-1]:.1f} times; the attack had {greedy.rate:.0f} answers/s, {greedy.failed} refused"
        )
    bench.say(f"{what}: p99 {median(found.times):.1f} times that alone in the median; at most {TIMES_BELOW} are wanted")
    return found


def _rows(found: _Measured, *, what: str) -> list[Row]:
    return [
        Row(f"{what}: p99 under the attack divided by p99 alone", "times", found.times, below=TIMES_BELOW),
        Row(f"{what}: p99", "ms", [times.p99_ms for times in found.attacked]),
        Row(f"{what}: p99 alone", "ms", [times.p99_ms for times in found.alone]),
        Row(f"{what}: p50", "ms", [times.p50_ms for times in found.attacked]),
        Row(f"{what}: p50 alone", "ms", [times.p50_ms for times in found.alone]),
        Row(f"{what}: its failed requests", "requests", found.failed, below=1),
    ]
