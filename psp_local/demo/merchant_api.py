"""The merchant API as the demonstration's merchants use it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx

from psp_local import LocalStackError
from psp_local.demo.traffic import Sale

_ATTEMPTS_MAX = 60
_AT_THE_SAME_TIME = 16
# Without a bound no connection is surplus: httpcore may close one that another thread has just been given.
_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=None)
# What a busy platform refuses, or is still working on, it asks to be sent again.
_COME_AGAIN = (None, httpx.codes.CONFLICT, httpx.codes.SERVICE_UNAVAILABLE)
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Posted:
    """A sale and the transaction that it became."""

    sale: Sale
    transaction_id: str
    created_at: datetime


class MerchantApi:
    """The API at `url`, for several threads. Everything sent over it may be sent again when the connection breaks."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=30, limits=_LIMITS)

    def post(self, sale: Sale) -> Posted:
        """Post the sale, twice if it says so. Raises LocalStackError when the repetition has another answer."""
        headers = {"x-customer-id": sale.merchant.customer_id, "Idempotency-Key": sale.key}
        first = self._call("POST", "/transactions", headers=headers, json=dict(sale.body))
        if sale.sent_twice:
            again = self._call("POST", "/transactions", headers=headers, json=dict(sale.body))
            if again.content != first.content or again.headers.get("idempotent-replayed") != "true":
                raise LocalStackError(f"The idempotency key {sale.key} was used twice and had two answers.")
        row = first.json()
        return Posted(sale, row["id"], datetime.fromisoformat(row["created_at"]))

    def rows(self, path: str, *, customer_id: str, **query: str) -> list[Row]:
        """Return the whole list, newest first, following its `next` links."""
        headers = {"x-customer-id": customer_id}
        page = self._call("GET", path, headers=headers, params={"limit": 200, **query})
        rows: list[Row] = page.json()
        while following := page.links.get("next"):
            page = self._call("GET", following["url"], headers=headers)
            rows += page.json()
        return rows

    def _call(self, method: str, path: str, **request: Any) -> httpx.Response:
        for attempt in range(_ATTEMPTS_MAX):
            if attempt:
                time.sleep(1)
            try:
                answer = self._client.request(method, path, **request)
            except httpx.TransportError as error:
                status, reason = None, f"{self._client.base_url} does not answer: {error}"
            else:
                if answer.is_success:
                    return answer
                status = answer.status_code
                reason = f"{method} {path} was answered with {status}: {answer.text}"
            if status not in _COME_AGAIN:
                break
        raise LocalStackError(reason)


def post_day(
    api: MerchantApi, sales: Sequence[Sale], *, midnight: datetime, speed: float, on_posted: Callable[[Posted], None]
) -> list[Posted]:
    """Post the sales, each at its time of day, and return what became of them.

    The API's day began at `midnight` and runs `speed` times as fast as ours. `on_posted` is called from several
    threads. Raises LocalStackError for the first sale that is refused.
    """
    # Nobody else can say what time it is there: its clock started with its process.
    first = api.post(sales[0])
    seen_at_s, seen = time.monotonic(), first.created_at - midnight
    stopped = threading.Event()

    def post(sale: Sale) -> Posted:
        now = seen + timedelta(seconds=(time.monotonic() - seen_at_s) * speed)
        stopped.wait(max(0.0, (sale.at - now).total_seconds() / speed))
        posted = api.post(sale)
        on_posted(posted)
        return posted

    on_posted(first)
    with ThreadPoolExecutor(_AT_THE_SAME_TIME) as threads:
        try:
            return [first, *threads.map(post, sales[1:])]
        finally:
            # After Ctrl-C those that wait for their time would go on waiting.
            stopped.set()
