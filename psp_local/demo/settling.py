"""Settle what is due, and follow through the merchants' eyes how date after date is paid."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from psp_local import LocalStackError
from psp_local.demo.ways_in.merchant_api import MerchantApi, Row
from psp_local.demo.ways_in.operations import FAILURES, SUCCESS, Dagster

_POLL_S = 0.5
_WITHIN_S = 900
# The hourly sweep may be settling one of the dates: two at once refuse each other, and the second one finds it done.
_RUNS_MAX = 3


@dataclass(frozen=True, slots=True)
class PaidDate:
    """What the settlements of one due date paid: the `merchants` got `net_minor` together."""

    due_on: date
    payables: int
    merchants: Sequence[str]
    gross_minor: int
    net_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Settling:
    """`due` names the merchants that wait for money on each date; `known` the settlements before this one."""

    api: MerchantApi
    dagster: Dagster
    due: Mapping[date, Sequence[str]]
    known: frozenset[str]
    on_paid: Callable[[PaidDate], None]

    def __call__(self) -> str:
        """Settle all dates and return the run's id. Raises LocalStackError when one of them is not paid."""
        left = sorted(self.due)
        deadline = time.monotonic() + _WITHIN_S
        for _ in range(_RUNS_MAX):
            run_id = self.dagster.settle(min(self.due), max(self.due))
            while time.monotonic() < deadline:
                # Asked before the merchants are: what a run has paid when it ends is then seen.
                status = self.dagster.status(run_id)
                left = self._show_paid(left)
                if status == SUCCESS and not left:
                    return run_id
                if status == SUCCESS or status in FAILURES:
                    break
                time.sleep(_POLL_S)
        dates = ", ".join(map(str, left))
        raise LocalStackError(f"The settlement did not succeed; not paid: {dates}. See {self.dagster.page_of(run_id)}")

    def _show_paid(self, dates: Sequence[date]) -> list[date]:
        for number, due_on in enumerate(dates):
            rows = [self._closed(due_on, customer_id=merchant) for merchant in self.due[due_on]]
            if not all(rows):
                return list(dates[number:])
            self.on_paid(_paid(due_on, rows, merchants=self.due[due_on]))
        return []

    def _closed(self, due_on: date, *, customer_id: str) -> list[Row]:
        query = {"due_date[gte]": str(due_on), "due_date[lt]": str(due_on + timedelta(days=1))}
        rows = self.api.rows("/settlements", customer_id=customer_id, **query)
        return [row for row in rows if row["status"] == "closed" and row["id"] not in self.known]


def _paid(due_on: date, settlements: Sequence[Sequence[Row]], *, merchants: Sequence[str]) -> PaidDate:
    rows = [row for merchant in settlements for row in merchant]
    return PaidDate(
        due_on,
        payables=sum(row["payables"] for row in rows),
        merchants=merchants,
        gross_minor=sum(row["amount"] for row in rows),
        net_minor=sum(row["receivable_amount"] for row in rows),
        currency=rows[0]["currency"],
    )
