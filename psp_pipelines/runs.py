"""Runs: their kinds and tags, who asked for one, and which due dates are under way."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta

import dagster as dg

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
DATES_PER_RUN = 366
"""A year goes into one run. By the month it would be a dozen, each with two to three processes to start: three to
ten times the CPU seconds, and on a small machine some could not start in time. In exchange Dagster shows the dates
only when the run ends; killed before, the next run finds them settled and shows them, at no effect."""

_ASKED_BY_ITSELF = ("dagster/schedule_name", "dagster/sensor_name")
_PARTITION = "dagster/partition"
_RANGE_START = "dagster/asset_partition_range_start"
_RANGE_END = "dagster/asset_partition_range_end"
_RUNS_MAX = 100
_ONE_DAY = timedelta(days=1)


def is_by_hand(run: dg.DagsterRun) -> bool:
    """Tell whether a person asked for the run, and no schedule or sensor."""
    return not any(tag in run.tags for tag in _ASKED_BY_ITSELF)


def requests_for(dates: Iterable[date], *, requested_at: str) -> Iterator[dg.RunRequest]:
    """Yield run requests for the dates: neighbours share a run, and `requested_at` makes their keys new."""
    for first, last in _ranges(sorted(dates)):
        yield dg.RunRequest(
            run_key=f"{first}/{last}@{requested_at}",
            tags={_RANGE_START: first.isoformat(), _RANGE_END: last.isoformat()},
        )


def early_request_for(dates: Iterable[date], *, requested_at: str) -> dg.RunRequest:
    """Return the request for dates that have no partition: the oldest, as many as go into a run."""
    oldest = [day.isoformat() for day in sorted(dates)[:DATES_PER_RUN]]
    return dg.RunRequest(
        run_key=f"before {oldest[-1]}@{requested_at}",
        run_config={"ops": {"settle_dates": {"config": {"due_dates": oldest}}}},
    )


def dates_under_way(instance: dg.DagsterInstance, *, asset: dg.AssetKey) -> set[date]:
    """Return the dates that a run of the asset, however it was started, has or will have in hand."""
    runs = instance.get_runs(dg.RunsFilter(statuses=UNDER_WAY), limit=_RUNS_MAX)
    return {day for run in runs if asset in (run.asset_selection or ()) for day in _dates(run.tags)}


def _dates(tags: Mapping[str, str]) -> Iterator[date]:
    first = tags.get(_RANGE_START) or tags.get(_PARTITION)
    last = tags.get(_RANGE_END) or first
    if first and last:
        day = date.fromisoformat(first)
        while day <= date.fromisoformat(last):
            yield day
            day += _ONE_DAY


def _ranges(dates: list[date]) -> Iterator[tuple[date, date]]:
    """Yield the first and last date of each unbroken range, cut to the length of a run."""
    start = 0
    for index, day in enumerate(dates):
        is_last = index + 1 == len(dates)
        if is_last or dates[index + 1] - day > _ONE_DAY or index + 1 - start == DATES_PER_RUN:
            yield dates[start], day
            start = index + 1
