"""Dagster after a year: `python -m bench history` fills its database with a year's runs, events and ticks.

A few real runs of the product's jobs are copied in SQL, each copy under a new id and at an instant of its own.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.scheduler.instigation import TickData, TickStatus

from bench.machine import circumstances
from bench.report import figure
from bench.results import spread
from bench.rig.rounds import Bench, timed
from bench.rig.servers import ROOT, Servers
from bench.scale import put_trial
from psp_core.adapters.sqs import SqsQueue
from psp_core.bootstrap import Core, build_core, sqs_settings
from psp_core.settings import Settings
from psp_local import LocalStackError
from psp_local.dagster_api import ask, code_is_loaded
from psp_local.ports import LOOPBACK, free_port
from psp_local.postgres import SUPERUSER
from psp_local.supervision.program import Program
from psp_pipelines.definitions import definitions
from psp_pipelines.operations.clean_up import RUNS_MAX
from psp_pipelines.payables.queue_sensor import STANDBY_TAG, payables_queue_sensor
from psp_pipelines.settlement.settlement import settlement

DRAINS, WATCHES, SETTLEMENTS = "drain_payables", "watch", "settle_due_payables"
_PRODUCT, _DAGSTER = "bench_history", "bench_history_dagster"
_BY_ITSELF = {"dagster/schedule_name": "bench"}
_SECONDS_A_DAY = 86_400
_MIB = 1 << 20
_LOOP = 2_000_000
"""What the same work takes tells how busy others kept the machine while a column was measured."""


@dataclass(frozen=True, slots=True)
class Year:
    """What the platform does by itself: a standby a quarter of an hour, a watch every ten minutes, and so on."""

    days: int = 365
    drains_per_day: int = 96
    watches_per_day: int = 144
    sweeps_per_day: int = 24
    sensor_ticks_per_day: int = _SECONDS_A_DAY // 5
    sensor_tick_days: int = 30

    @property
    def runs_per_day(self) -> dict[str, int]:
        return {DRAINS: self.drains_per_day, WATCHES: self.watches_per_day, SETTLEMENTS: 1}


A_YEAR = Year()
_QUICK_YEAR = Year(days=20, drains_per_day=10, watches_per_day=10, sensor_ticks_per_day=500)

# One row a copy, in the order of time. `old_day` is the due date that a settlement's rows name; others have none.
_COPIES = """
CREATE TABLE bench_copies AS
SELECT gen_random_uuid()::text AS run_id, r.run_id AS old_run_id, old_day, to_char(at, 'YYYY-MM-DD') AS new_day,
       at - create_timestamp AS shift, row_number() OVER by_time AS number,
       (SELECT max(id) FROM event_logs) + sum(events) OVER by_time - events AS last_event_before
FROM unnest(%(templates)s::text[], %(old_days)s::text[], %(per_day)s::int[]) AS t (run_id, old_day, per_day)
JOIN runs AS r USING (run_id)
CROSS JOIN LATERAL (SELECT count(*) AS events FROM event_logs AS e WHERE e.run_id = r.run_id) AS logged
CROSS JOIN LATERAL generate_series(0, per_day * %(days)s - 1) AS n
CROSS JOIN LATERAL (
    SELECT %(now)s::timestamp - %(days)s * INTERVAL '1 day' + n * (INTERVAL '1 day' / per_day) AS at
) AS instant
WINDOW by_time AS (ORDER BY at, r.run_id)
"""
_COPIED_EVENTS = """
CREATE TABLE bench_events AS
SELECT e.*, row_number() OVER (PARTITION BY run_id ORDER BY id) AS ordinal,
       substring(event FROM '"timestamp": ([0-9.]+), "user_message"') AS old_time
FROM event_logs AS e WHERE run_id = ANY (%(templates)s)
"""
_RENAMED = "replace(replace({}, old_run_id, c.run_id), coalesce(old_day, ' no day '), new_day)"
_FILL = (
    f"""
INSERT INTO runs (id, run_id, snapshot_id, pipeline_name, mode, status, run_body, partition, partition_set,
    create_timestamp, update_timestamp, start_time, end_time)
SELECT (SELECT max(id) FROM runs) + number, c.run_id, snapshot_id, pipeline_name, mode, status,
       {_RENAMED.format("run_body")}, CASE WHEN old_day IS NOT NULL THEN new_day END, partition_set,
       create_timestamp + shift, update_timestamp + shift,
       start_time + extract(epoch FROM shift), end_time + extract(epoch FROM shift)
FROM bench_copies AS c JOIN runs AS r ON r.run_id = old_run_id ORDER BY number
""",  # noqa: S608
    f"""
INSERT INTO run_tags (run_id, key, value)
SELECT c.run_id, key, {_RENAMED.format("value")}
FROM bench_copies AS c JOIN run_tags AS t ON t.run_id = old_run_id ORDER BY number
""",  # noqa: S608
    f"""
INSERT INTO event_logs (id, run_id, event, dagster_event_type, timestamp, step_key, asset_key, partition)
SELECT last_event_before + ordinal, c.run_id,
       replace({_RENAMED.format("event")}, old_time, (old_time::numeric + extract(epoch FROM shift))::text),
       dagster_event_type, timestamp + shift, step_key, asset_key,
       CASE WHEN partition IS NOT NULL THEN new_day END
FROM bench_copies AS c JOIN bench_events AS e ON e.run_id = old_run_id ORDER BY number, ordinal
""",  # noqa: S608
    f"""
INSERT INTO asset_event_tags (event_id, asset_key, key, value, event_timestamp)
SELECT last_event_before + ordinal, t.asset_key, key, {_RENAMED.format("value")}, event_timestamp + shift
FROM bench_copies AS c JOIN bench_events AS e ON e.run_id = old_run_id JOIN asset_event_tags AS t ON t.event_id = e.id
ORDER BY number
""",  # noqa: S608
    f"""
INSERT INTO asset_check_executions (asset_key, check_name, partition, run_id, execution_status, evaluation_event,
    evaluation_event_timestamp, evaluation_event_storage_id, materialization_event_storage_id, create_timestamp)
SELECT x.asset_key, check_name, CASE WHEN x.partition IS NOT NULL THEN new_day END, c.run_id, execution_status,
       {_RENAMED.format("evaluation_event")}, evaluation_event_timestamp + shift,
       last_event_before + ordinal, materialization_event_storage_id, create_timestamp + shift
FROM bench_copies AS c JOIN asset_check_executions AS x ON x.run_id = old_run_id
LEFT JOIN bench_events AS e ON e.id = evaluation_event_storage_id ORDER BY number
""",  # noqa: S608
    "SELECT setval('runs_id_seq', (SELECT max(id) FROM runs))",
    "SELECT setval('event_logs_id_seq', (SELECT max(id) FROM event_logs))",
)
_FILL_TICKS = """
INSERT INTO job_ticks (job_origin_id, selector_id, status, type, timestamp, tick_body, create_timestamp,
    update_timestamp)
SELECT job_origin_id, selector_id, status, type, timestamp - ago,
       replace(tick_body, old_time, (old_time::numeric - extract(epoch FROM ago))::text),
       create_timestamp - ago, update_timestamp - ago
FROM job_ticks
CROSS JOIN LATERAL (SELECT substring(tick_body FROM '"timestamp": ([0-9.]+)') AS old_time) AS told
CROSS JOIN LATERAL generate_series(%(days)s * %(per_day)s, 1, -1) AS n
CROSS JOIN LATERAL (SELECT n * (INTERVAL '1 day' / %(per_day)s) AS ago) AS instant
WHERE job_ticks.id = %(template)s
"""
_PURGEABLE = """
SELECT runs.run_id FROM runs JOIN run_tags USING (run_id)
WHERE key = 'psp/kind' AND value IN ('drain', 'housekeeping') AND status IN ('SUCCESS', 'FAILURE', 'CANCELED')
  AND create_timestamp < %(before)s
"""
# What `clean_up` would do in its next nights, so that the bench need not wait for them.
_PURGE_REST = (
    f"CREATE TABLE bench_purged AS {_PURGEABLE}",
    "DELETE FROM asset_event_tags USING event_logs AS e WHERE event_id = e.id AND e.run_id IN (TABLE bench_purged)",
    "DELETE FROM event_logs WHERE run_id IN (TABLE bench_purged)",
    "DELETE FROM asset_check_executions WHERE run_id IN (TABLE bench_purged)",
    "DELETE FROM runs WHERE run_id IN (TABLE bench_purged)",
)
_LARGE_TABLES = ("event_logs", "asset_check_executions", "job_ticks")
_SETTLED = f"pipeline_name = '{SETTLEMENTS}'"
_LEFT_OVERS = "DROP TABLE IF EXISTS bench_copies, bench_events, bench_purged"

_INSTIGATORS = """{ repositoriesOrError { ... on RepositoryConnection { nodes {
  name location { name }
  sensors { name sensorState { id selectorId } } schedules { name scheduleState { id selectorId } } } } } }"""
_RUNS_PAGE = """{
  runsFeedOrError(limit: 30, view: RUNS) { ... on RunsFeedConnection { hasMore results {
    ... on Run { id runStatus creationTime startTime endTime jobName tags { key value } assetSelection { path } } } } }
  all: runsFeedCountOrError(view: RUNS) { ... on RunsFeedCount { count } }
  under_way: runsFeedCountOrError(view: RUNS, filter: {statuses: [STARTED, STARTING, CANCELING]}) {
    ... on RunsFeedCount { count } }
  failed: runsFeedCountOrError(view: RUNS, filter: {statuses: [FAILURE, CANCELED]}) { ... on RunsFeedCount { count } }
}"""
_ASSET_PAGE = """query($key: AssetKeyInput!) { assetNodeOrError(assetKey: $key) { ... on AssetNode {
  assetMaterializations(limit: 100) { runId timestamp partition metadataEntries { label } }
  partitionStats { numPartitions numMaterialized numFailed }
  assetPartitionStatuses { ... on TimePartitionStatuses { ranges { status startKey endKey } } }
  assetChecksOrError { ... on AssetChecks { checks { name executionForLatestMaterialization { status timestamp } } } }
} } }"""
_SENSOR_PAGE = """query($sensor: SensorSelector!) { sensorOrError(sensorSelector: $sensor) { ... on Sensor {
  sensorState { status ticks(limit: 25) { timestamp status skipReason runIds } }
} } }"""


@dataclass(frozen=True)
class History:
    """Dagster's records on the bench's Postgres, configured as the product is, and the product's core beside them."""

    servers: Servers
    core: Core
    instance: dg.DagsterInstance
    web_port: int

    def run(self, job: str, *, partition_key: str | None = None, tags: Mapping[str, str] = _BY_ITSELF) -> str:
        """Run a job in this process, as its worker would, and return the run's id."""
        with dg.DagsterInstance.get() as instance:
            result = definitions.resolve_job_def(job).execute_in_process(
                instance=instance, resources={"core": self.core}, partition_key=partition_key, tags=dict(tags)
            )
        return result.run_id

    def tick(self) -> None:
        """Evaluate the queue sensor once, as the code server does."""
        with dg.build_sensor_context(
            instance=self.instance, resources={"core": self.core}, definitions=definitions
        ) as context:
            payables_queue_sensor.evaluate_tick(context)

    def ask(self, query: str, **variables: Any) -> Any:
        return ask(f"http://{LOOPBACK}:{self.web_port}", query, **variables)

    def sql(self, *statements: str, **values: Any) -> None:
        self.servers.run(_DAGSTER, *statements, values=values or None)

    def value(self, query: str) -> Any:
        return self.servers.value(query, database=_DAGSTER)

    def count(self, table: str, *, where: str = "true") -> int:
        found: int = self.value(f"SELECT count(*) FROM {table} WHERE {where}")  # noqa: S608
        return found

    def settled_dates(self) -> set[str]:
        """Return the due dates that Dagster shows as materialized."""
        return self.instance.get_materialized_partitions(settlement.key)


@contextmanager
def open_history(servers: Servers, folder: Path) -> Iterator[History]:
    """Make both databases and start the webserver; everything goes in the end."""
    home = folder / "dagster-home"
    home.mkdir(exist_ok=True)
    shutil.copy(ROOT / "dagster.yaml", home)
    place = {
        "DAGSTER_HOME": str(home),
        "DAGSTER_PG_HOST": LOOPBACK,
        "DAGSTER_PG_PORT": str(servers.postgres.port),
        "DAGSTER_PG_USER": SUPERUSER,
        "DAGSTER_PG_PASSWORD": servers.postgres.password,
        "DAGSTER_PG_DB": _DAGSTER,
    }
    with servers.database(_PRODUCT) as product, servers.database(_DAGSTER, template="template1"), _environment(place):
        settings = Settings(
            database_url=servers.url(product),
            sqs_endpoint_url=servers.sqs.endpoint_url,
            sqs_queue_name="bench-history",
            drain_linger_s=0,
            drain_receive_wait_s=0,
            reports_url=f"file:{folder / 'reports'}",
        )
        core = build_core(settings)
        SqsQueue(sqs_settings(settings)).create()
        web_port = free_port()
        webserver = Program(
            "dagster-web",
            command=[
                *(Path(sys.executable).parent / "dagster-webserver", "-h", LOOPBACK, "-p", str(web_port)),
                *("-m", "psp_pipelines.definitions"),
            ],
            environment=servers.environment(product, **place),
            folder=ROOT,
            log_file=folder / "webserver.log",
            ready=lambda: code_is_loaded(web_port=web_port),
            has_workers=True,
        )
        with webserver, dg.DagsterInstance.get() as instance:
            yield History(servers, core, instance, web_port)
        core.store.close()


@contextmanager
def _environment(changes: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def produce(history: History) -> dict[str, str]:
    """Run each job once and return the runs' ids; the settlement is today's."""
    return {
        DRAINS: history.run(DRAINS, tags={**_BY_ITSELF, **STANDBY_TAG}),
        WATCHES: history.run(WATCHES),
        SETTLEMENTS: history.run(SETTLEMENTS, partition_key=_today()),
    }


def multiply(history: History, templates: Mapping[str, str], year: Year) -> None:
    """Copy the runs into a year that ends now, and add its ticks."""
    ids = [templates[job] for job in year.runs_per_day]
    history.sql(
        _COPIES,
        templates=ids,
        old_days=[_today() if job == SETTLEMENTS else None for job in year.runs_per_day],
        per_day=list(year.runs_per_day.values()),
        days=year.days,
        now=datetime.now(UTC).replace(tzinfo=None),
    )
    # Else it competes for the cores; whoever measures vacuums first.
    history.sql(*(f"ALTER TABLE {table} SET (autovacuum_enabled = off)" for table in _LARGE_TABLES))
    history.sql(_COPIED_EVENTS, templates=ids)
    history.sql("CREATE UNIQUE INDEX ON bench_copies (run_id)", "ANALYZE", *_FILL, _LEFT_OVERS)
    ticks = {
        "payables_queue_sensor": (year.sensor_tick_days, year.sensor_ticks_per_day),
        "settlement_sweep": (year.days, year.sweeps_per_day),
    }
    for instigator in _instigators(history):
        if instigator.name in ticks:
            days, per_day = ticks[instigator.name]
            history.sql(_FILL_TICKS, template=_skip(history, instigator), days=days, per_day=per_day)
    history.sql(*(f"ALTER TABLE {table} RESET (autovacuum_enabled)" for table in _LARGE_TABLES))


def clean_up(history: History) -> tuple[int, float]:
    """Run the job `clean_up`, and what the daemon does with old ticks.

    Return how many runs the job purged, and the seconds that it took. What it would purge in later nights goes, too.
    """
    before = history.count("runs")
    took_s = timed(lambda: history.run("clean_up"))
    purged = before + 1 - history.count("runs")
    if purged >= RUNS_MAX:
        retention = timedelta(days=history.core.settings.run_retention_days)
        history.sql(*_PURGE_REST, _LEFT_OVERS, before=datetime.now(UTC).replace(tzinfo=None) - retention)
    _purge_ticks(history)
    return purged, took_s


@dataclass(frozen=True, slots=True)
class _Instigator:
    name: str
    origin_id: str
    selector_id: str
    kind: InstigatorType


def _instigators(history: History) -> list[_Instigator]:
    """Return the sensors and schedules under the ids that Dagster files their ticks by."""
    [repository] = history.ask(_INSTIGATORS)["repositoriesOrError"]["nodes"]
    found = []
    for plural, state, kind in (
        ("sensors", "sensorState", InstigatorType.SENSOR),
        ("schedules", "scheduleState", InstigatorType.SCHEDULE),
    ):
        for each in repository[plural]:
            origin_id = each[state]["id"].partition(":")[0]
            found.append(_Instigator(each["name"], origin_id, each[state]["selectorId"], kind))
    return found


def _skip(history: History, instigator: _Instigator) -> int:
    """Record a skipped tick of now, and return its id."""
    tick = history.instance.create_tick(
        TickData(
            instigator_origin_id=instigator.origin_id,
            instigator_name=instigator.name,
            instigator_type=instigator.kind,
            status=TickStatus.SKIPPED,
            timestamp=time.time(),
            skip_reason="0 messages wait, 1 drain runs are under way",
            selector_id=instigator.selector_id,
        )
    )
    return int(tick.tick_id)


def _purge_ticks(history: History) -> None:
    """Purge ticks as the daemon does after each tick, by dagster.yaml's retention."""
    for instigator in _instigators(history):
        for status, days in history.instance.get_tick_retention_settings(instigator.kind).items():
            if days > 0:
                before = time.time() - days * _SECONDS_A_DAY
                history.instance.purge_ticks(instigator.origin_id, instigator.selector_id, before, [status])


def measurements(history: History) -> dict[str, Callable[[], Any]]:
    """Return what is timed, by its line in the table."""
    [repository] = history.ask(_INSTIGATORS)["repositoriesOrError"]["nodes"]
    sensor = {
        "repositoryName": repository["name"],
        "repositoryLocationName": repository["location"]["name"],
        "sensorName": "payables_queue_sensor",
    }
    return {
        "the machine alone: a loop without a database": lambda: sum(range(_LOOP)),
        "the queue sensor's tick": history.tick,
        "the sensor's page": lambda: history.ask(_SENSOR_PAGE, sensor=sensor),
        "the runs page": lambda: history.ask(_RUNS_PAGE),
        "the page of `payables`": lambda: history.ask(_ASSET_PAGE, key={"path": ["payables"]}),
        "the page of `flow`": lambda: history.ask(_ASSET_PAGE, key={"path": ["flow"]}),
        "the page of `settlement`": lambda: history.ask(_ASSET_PAGE, key={"path": ["settlement"]}),
        "an empty drain run, in process": lambda: history.run(DRAINS),
    }


def run_history(bench: Bench, *, file: Path, year: Year | None = None) -> None:
    """Measure without history, with a year of it, and after the clean-up; put the table into `file`."""
    year = year or (_QUICK_YEAR if bench.is_quick else A_YEAR)
    where = circumstances(bench.servers)
    with open_history(bench.servers, bench.folder) as history:
        templates = produce(history)
        columns = [_column(bench, history, "without history")]
        filled_s = timed(lambda: multiply(history, templates, year))
        bench.say(f"{year.days} days were made in {filled_s:.0f} s")
        columns.append(_column(bench, history, "never cleaned up"))
        settled, settlements = history.settled_dates(), history.count("runs", where=_SETTLED)
        purged, took_s = clean_up(history)
        bench.say(f"{purged:,} runs were purged in {took_s:.0f} s")
        if (settled, settlements) != (history.settled_dates(), history.count("runs", where=_SETTLED)):
            raise LocalStackError("the clean-up took settlements away")
        columns.append(_column(bench, history, "cleaned up"))
    lines = [
        f"| | without history | {year.days} days, never cleaned up | the same, cleaned up |",
        "| --- | ---: | ---: | ---: |",
        *(f"| {' | '.join([name, *(column[name] for column in columns)])} |" for name in columns[0]),
        "",
        f"Median (min to max) of {bench.rounds} repetitions. `clean_up` purged {purged:,} runs in one go, "
        f"{purged / took_s:.0f} a second. {where['cores']}, {where['memory']}, load average "
        f"{where['load average before']}, commit {where['commit']}, {where['date']}.",
    ]
    print("\n".join(lines))
    put_trial(file, lines, what="history")


def _column(bench: Bench, history: History, title: str) -> dict[str, str]:
    bench.servers.settle_down(_DAGSTER)
    column = {
        "runs": f"{history.count('runs'):,}",
        "events": f"{history.count('event_logs'):,}",
        "sensor and schedule ticks": f"{history.count('job_ticks'):,}",
        "database": f"{history.value('SELECT pg_database_size(current_database())') / _MIB:,.0f} MiB",
    }
    for name, work in measurements(history).items():
        work()
        found = spread([timed(work) * 1_000 for _ in range(bench.rounds)])
        column[name] = f"{figure(found.median)} ({figure(found.least)} to {figure(found.most)}) ms"
        bench.say(f"{title}: {name}: {column[name]}")
    return column


def _today() -> str:
    return datetime.now(UTC).date().isoformat()
