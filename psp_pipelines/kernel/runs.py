"""Runs: their kinds and tags, who asked for one, and which due dates are under way."""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta

import dagster as dg

from psp_core.domain.operations.leases import Lease

KIND = "psp/kind"
DRAIN = "drain"
SETTLEMENT = "settlement"
HOUSEKEEPING = "housekeeping"
# The sensor or schedule that requested a run requests the next one, too: nothing else may replace it.
NOT_REPLACED = {"dagster/max_retries": "0"}
REPLACED_ONCE = {"dagster/max_retries": "1"}

UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]
ABOUT_TO_BEGIN = [status for status in UNDER_WAY if status is not dg.DagsterRunStatus.STARTED]
SETTLEMENT_ASSET = dg.AssetKey("settlement")
DATES_PER_RUN = 366
"""A year goes into one run. By the month it would be a dozen, each with two to three processes to start: three to
ten times the CPU seconds, and on a small machine some could not start in time. In exchange Dagster shows the dates
only when the run ends; killed before, the next run finds them settled and shows them, at no effect."""

BY_HAND = "psp/by_hand"
"""The tag of what came with somebody's request. Whoever re-executes such a run, or Dagster in its place, copies it."""

BACKFILL = "dagster/backfill"
NO_REASON = {"ops": {"settlement": {"config": {"reason": ""}}}}
"""The config of a settlement that nobody asks for: whoever opens its run in the launchpad finds the field."""

ASKED_BY_ITSELF = ("dagster/schedule_name", "dagster/sensor_name")
_PARTITION = "dagster/partition"
_RANGE_START = "dagster/asset_partition_range_start"
_RANGE_END = "dagster/asset_partition_range_end"
_RUNS_MAX = 100
_ONE_DAY = timedelta(days=1)


def is_by_hand(run: dg.DagsterRun) -> bool:
    """Tell whether a person asked for the run, and no schedule or sensor; nothing here asks for backfills by itself."""
    return BY_HAND in run.tags or BACKFILL in run.tags or not any(tag in run.tags for tag in ASKED_BY_ITSELF)


def requests_for(dates: Iterable[date], *, requested_at: str) -> Iterator[dg.RunRequest]:
    """Yield run requests for the dates: neighbours share a run, and `requested_at` makes their keys new."""
    for first, last in _ranges(sorted(dates)):
        yield dg.RunRequest(
            run_key=f"{first}/{last}@{requested_at}",
            run_config=NO_REASON,
            tags={_RANGE_START: first.isoformat(), _RANGE_END: last.isoformat()},
        )


def early_request_for(dates: Iterable[date], *, requested_at: str) -> dg.RunRequest:
    """Return the request for dates that have no partition: the oldest, as many as go into a run."""
    oldest = [day.isoformat() for day in sorted(dates)[:DATES_PER_RUN]]
    return dg.RunRequest(
        run_key=f"before {oldest[-1]}@{requested_at}",
        run_config={"ops": {"settle_dates": {"config": {"due_dates": oldest, "reason": ""}}}},
    )


def due_dates_of(run: dg.DagsterRun) -> tuple[date, date] | None:
    """Return the first and last date that the run settles; None when it settles nothing."""
    settles = SETTLEMENT_ASSET in run.asset_selection if run.asset_selection else run.tags.get(KIND) == SETTLEMENT
    first = run.tags.get(_RANGE_START) or run.tags.get(_PARTITION)
    if not (settles and first):
        return None
    return date.fromisoformat(first), date.fromisoformat(run.tags.get(_RANGE_END) or first)


def dates_under_way(instance: dg.DagsterInstance, *, leases: Iterable[Lease]) -> set[date]:
    """Return the dates that a living run, however it was started, has in hand, or will have when it has begun.

    What has begun is known from its lease: Dagster may say for ever of a dead run that it goes on.
    """
    about_to_begin = instance.get_runs(dg.RunsFilter(statuses=ABOUT_TO_BEGIN), limit=_RUNS_MAX)
    ranges = [*(due_dates_of(run) for run in about_to_begin), *(lease.due_dates for lease in leases if lease.is_live)]
    return {day for bounds in ranges if bounds for day in _days(*bounds)}


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))


def _ranges(dates: list[date]) -> Iterator[tuple[date, date]]:
    """Yield the first and last date of each unbroken range, cut to the length of a run."""
    start = 0
    for index, day in enumerate(dates):
        is_last = index + 1 == len(dates)
        if is_last or dates[index + 1] - day > _ONE_DAY or index + 1 - start == DATES_PER_RUN:
            yield dates[start], day
            start = index + 1
