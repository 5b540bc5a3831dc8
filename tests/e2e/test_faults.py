"""Processes are killed and the queue stops answering, under traffic: nothing is lost, nothing is done twice."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial

import httpx
import pytest

from tests.e2e.platform import AGREED, RunningPlatform
from tests.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]

CLIENTS = 8


class Traffic:
    """Merchants who send one request after another, and send it again, with its key, until it is answered."""

    def __init__(self, platform: RunningPlatform, *, customer_id: str, pause_s: float) -> None:
        self._platform = platform
        self._customer_id = customer_id
        self._pause_s = pause_s
        self._stopping = threading.Event()
        self.statuses: set[int] = set()
        self.amounts: list[int] = []

    @contextmanager
    def flowing(self) -> Iterator[None]:
        with ThreadPoolExecutor(CLIENTS) as clients:
            try:
                sent = [clients.submit(self._send, number) for number in range(CLIENTS)]
                yield
            finally:
                self._stopping.set()
            for client in sent:
                client.result()

    def is_past(self, sent: int) -> bool:
        """Tell whether more requests than that were answered."""
        return len(self.amounts) > sent

    def _send(self, client: int) -> None:
        amount = 1_000 + client
        while not self._stopping.is_set():
            self._send_until_answered(amount)
            self.amounts.append(amount)
            amount += CLIENTS
            time.sleep(self._pause_s)

    def _send_until_answered(self, amount: int) -> None:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                response = self._platform.post_transaction(
                    customer_id=self._customer_id, key=f"{self._customer_id}-{amount}", amount=amount
                )
            except httpx.TransportError:
                time.sleep(0.2)
                continue
            self.statuses.add(response.status_code)
            if response.status_code == 201:
                return
            assert response.status_code in (409, 503), response.text
            time.sleep(0.2)
        raise AssertionError(f"not answered within 120 s: {amount}")


def assert_paid_out_exactly(platform: RunningPlatform, customer_id: str, amounts: list[int]) -> None:
    """Every amount has one payable in the end, is settled once, and the books balance."""

    # A message that was lost with its queue is found and sent again a minute later.
    wait_for(
        lambda: platform.has_payables(len(amounts), customer_id=customer_id),
        within_s=300,
        what=f"{len(amounts)} payables",
    )
    payables = platform.all_of("/payables", customer_id=customer_id)
    assert sorted(row["amount"] for row in payables) == sorted(amounts)
    platform.settle(datetime.now(UTC).date())
    settlements = platform.get("/settlements", customer_id=customer_id)
    assert sum(row["amount"] for row in settlements) == sum(amounts)
    assert sum(row["payables"] for row in settlements) == len(amounts)
    assert {row["status"] for row in platform.all_of("/transactions", customer_id=customer_id)} == {"paid"}
    assert "the books balance" in platform.psp("check-books")


class TestKilledProcesses:
    def test_lose_and_double_nothing(self, platform: RunningPlatform) -> None:
        platform.psp("fee-plans", "set", "han", "--credit-delay-days", "0", *AGREED)
        traffic = Traffic(platform, customer_id="han", pause_s=0.02)
        victims = [
            "multiprocessing.spawn",  # a drain run's worker
            "gunicorn",
            "ministack",
            "bin/postgres",
            "psp_pipelines.definitions",
            "dagster-daemon",
            "gunicorn",
            "multiprocessing.spawn",
        ]

        with traffic.flowing():
            for name in victims:
                pids = wait_for(partial(platform.pids, name), within_s=120, what=f"a process {name}")
                os.kill(pids[-1], signal.SIGKILL)
                wait_for(partial(traffic.is_past, len(traffic.amounts) + 50), within_s=120, what="traffic goes on")

        assert_paid_out_exactly(platform, "han", traffic.amounts)


class TestQueueOutage:
    def test_fails_no_request_and_delays_payables_only(self, platform: RunningPlatform) -> None:
        platform.psp("fee-plans", "set", "chewie", "--credit-delay-days", "0", *AGREED)
        traffic = Traffic(platform, customer_id="chewie", pause_s=0.25)
        [queue] = platform.pids("ministack")

        with traffic.flowing():
            os.kill(queue, signal.SIGSTOP)
            try:
                time.sleep(30)
            finally:
                os.kill(queue, signal.SIGCONT)

        assert traffic.statuses == {201}
        assert len(traffic.amounts) > 100
        assert_paid_out_exactly(platform, "chewie", traffic.amounts)
