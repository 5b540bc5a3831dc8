"""Prometheus metrics, added up over all workers when PROMETHEUS_MULTIPROC_DIR is set."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from psp_core.domain.events import OutboxDepth
from psp_core.usecases.events.relay_outbox import RelayOutcome

_requests = Histogram(
    "psp_http_request_seconds",
    "Requests by method, route template and status",
    ["method", "route", "status"],
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
_commit_transactions = Histogram(
    "psp_group_commit_transactions",
    "Transactions in one group commit",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024),
)
_commit_seconds = Histogram(
    "psp_group_commit_seconds",
    "Time of one group commit",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2, 10),
)
_relayed = Counter("psp_relay_transactions_total", "Transactions sent to the queue")
_relay_messages = Counter("psp_relay_messages_total", "Messages sent to the queue")
_relay_failed_entries = Counter("psp_relay_failed_entries_total", "Outbox entries that the queue refused")
_relay_failures = Counter("psp_relay_failures_total", "Times the queue or the database could not be reached")


@cache
def _request_seconds(method: str, route: str, status: str) -> Histogram:
    return _requests.labels(method, route, status)


def observe_request(method: str, route: str, status: str, seconds: float) -> None:
    """Count a request; `route` is the template, so that the number of series stays bounded."""
    _request_seconds(method, route, status).observe(seconds)


def observe_commit(transactions: int, seconds: float) -> None:
    _commit_transactions.observe(transactions)
    _commit_seconds.observe(seconds)


def observe_relay(report: RelayOutcome) -> None:
    _relayed.inc(report.transactions)
    _relay_messages.inc(report.messages)
    _relay_failed_entries.inc(report.failed_entries)


def count_relay_failure() -> None:
    _relay_failures.inc()


class _Outbox(Collector):
    def __init__(self, depth: OutboxDepth | None) -> None:
        self._depth = depth

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("psp_database_up", "1 when the database answers", value=int(self._depth is not None))
        if self._depth is not None:
            yield GaugeMetricFamily("psp_outbox_entries", "Entries that wait for the relay", value=self._depth.entries)
            yield GaugeMetricFamily(
                "psp_outbox_oldest_age_seconds", "Age of the oldest of them", value=self._depth.oldest_age_s
            )


def exposition(depth: OutboxDepth | None) -> bytes:
    """Return all metrics as Prometheus reads them; `depth` is None when the database is down."""
    registry = CollectorRegistry()
    registry.register(_Outbox(depth))
    text = generate_latest(registry)
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return text + generate_latest(REGISTRY)
    everyone = CollectorRegistry()
    MultiProcessCollector(everyone)  # type: ignore[no-untyped-call]
    return text + generate_latest(everyone)
