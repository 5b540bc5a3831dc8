"""N processes at once: `python -m bench scale` tries what docs/scaling.md says about one machine and more."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.hops.drain import fill_queue
from bench.hops.settlement import require_books
from bench.machine import circumstances
from bench.report import figure
from bench.results import spread
from bench.rig import load, processes
from bench.rig.rounds import Bench
from bench.rig.seeds import add_due_payables, add_transactions
from psp_local import LocalStackError

PROCESSES = (1, 2, 4)
_ENDS = "<!-- end of trial -->"
_DATABASE = "bench_scale"
_SEED = "seed_scale"
_DEADLOCKS = f"SELECT deadlocks FROM pg_stat_database WHERE datname = '{_DATABASE}'"  # noqa: S608


def run_scale(bench: Bench, *, file: Path) -> None:
    """Measure with 1, 2 and 4 processes each; put the table between the marks in `file`, or at its end."""
    where = circumstances(bench.servers)
    lines = [
        "| at once | API workers | drain runs | settlements of neighbouring dates |",
        "| ---: | ---: | ---: | ---: |",
        *_table(bench),
        "",
        f"Median (min to max) a second of {bench.rounds} rounds: transactions, payables made, payables paid. Nothing "
        f"was stored twice or lost, the books balanced, and `pg_stat_database.deadlocks` was 0 after each. "
        f"{where['cores']}, {where['memory']}, commit {where['commit']}, {where['date']}.",
    ]
    print("\n".join(lines))
    put_trial(file, lines, what="scale")


def _table(bench: Bench) -> list[str]:
    trials: tuple[Callable[[Bench, int], float], ...] = (_intake, _drains, _settlements)
    count = bench.size(100_000, quick=4_000)
    lines = []
    with bench.servers.database(_SEED) as seed:
        add_transactions(bench.servers, seed, count=count, start=datetime.now(UTC) - timedelta(hours=1))
        bench.servers.settle_down(seed)
        for processes_at_once in PROCESSES:
            cells = []
            for trial in trials:
                found = spread([trial(bench, processes_at_once) for _ in range(bench.rounds)])
                cells.append(f"{figure(found.median)} ({figure(found.least)} to {figure(found.most)})")
                bench.say(f"{trial.__name__.strip('_')} by {processes_at_once}: {cells[-1]}")
            lines.append(f"| {processes_at_once} | {' | '.join(cells)} |")
    return lines


def _intake(bench: Bench, workers: int) -> float:
    """Return transactions a second by `workers` API workers, each with its own relay."""
    servers = bench.servers
    clients = bench.size(64, quick=8)
    settings = {"PSP_API_WORKERS": str(workers), "PSP_SQS_QUEUE_NAME": _new_queue()}
    with servers.database(_DATABASE) as database, servers.api(database, with_relay=True, **settings) as port:
        load.post_transactions(port, seconds=2, tag="warm-up", clients=clients)
        done = load.post_transactions(port, seconds=bench.seconds(8), tag="scale", clients=clients)
        _require_no_deadlock(bench)
    if done.failed:
        raise LocalStackError(f"{done.failed} of {done.requests} requests failed")
    return done.rate


def _drains(bench: Bench, runs: int) -> float:
    """Return payables a second by `runs` drains of one queue; half of its messages are in it twice."""
    servers = bench.servers
    with servers.database(_DATABASE, template=_SEED) as database:
        name = _new_queue()
        fill_queue(bench, database, queue_name=name)
        fill_queue(bench, database, queue_name=name, every=2)
        wanted = servers.value("SELECT sum(installments) FROM transactions", database=database)
        servers.settle_down(database)
        settings = {"PSP_SQS_QUEUE_NAME": name, "PSP_DRAIN_LINGER_S": "3", "PSP_DRAIN_RECEIVE_WAIT_S": "1"}
        environment = servers.environment(database, **settings)
        reports = _together([processes.start(environment, "drain") for _ in range(runs)])
        found = servers.value("SELECT count(*) FROM payables", database=database)
        if sum(report["created"] for report in reports) != wanted or found != wanted:
            raise LocalStackError(f"{wanted} payables were to be made, {found} are there: {reports}")
        require_books(bench, database)
        _require_no_deadlock(bench)
    seconds: float = max(report["seconds"] for report in reports)
    return float(wanted) / seconds


def _settlements(bench: Bench, runs: int) -> float:
    """Return payables paid a second by `runs` settlements, each of its own date, whose transactions they share."""
    servers = bench.servers
    count = bench.size(100_000, quick=1_000)
    today = datetime.now(UTC).date()
    with servers.database(_DATABASE) as database:
        add_due_payables(servers, database, count=count, due_on=today)
        # The earlier installments of the same transactions, unpaid again; all are spread over the dates.
        servers.run(
            database,
            # What is paid stays so: a trigger, which is not for what a bench makes up.
            "ALTER TABLE payables DISABLE TRIGGER USER",
            """UPDATE payables SET status = 'waiting_funds', paid_at = NULL, settlement_id = NULL,
               due_on = %(today)s - (amount_minor %% %(runs)s)::int""",
            "ALTER TABLE payables ENABLE TRIGGER USER",
            "ALTER TABLE settlements DISABLE TRIGGER USER",
            "DELETE FROM settlements",
            "ALTER TABLE settlements ENABLE TRIGGER USER",
            values={"today": today, "runs": runs},
        )
        servers.settle_down(database)
        wanted = servers.value("SELECT count(*) FROM payables", database=database)
        dates = [today - timedelta(days=number) for number in range(runs)]
        environment = servers.environment(database)
        reports = _together([processes.start(environment, "settle", "--due-on", str(each)) for each in dates])
        unpaid = servers.value("SELECT count(*) FROM transactions WHERE status <> 'paid'", database=database)
        if sum(report["settled"] for report in reports) != wanted or unpaid:
            raise LocalStackError(f"{wanted} payables were due, {unpaid} transactions are unpaid: {reports}")
        require_books(bench, database)
        _require_no_deadlock(bench)
    return float(wanted) / float(max(report["seconds"] for report in reports))


def _together(workers: list[processes.Worker]) -> list[dict[str, float]]:
    try:
        return [worker.report() for worker in workers]
    finally:
        for worker in workers:
            worker.end()


def _require_no_deadlock(bench: Bench) -> None:
    if found := bench.servers.value(_DEADLOCKS):
        raise LocalStackError(f"{found} deadlocks")


def _new_queue() -> str:
    return f"bench-{uuid.uuid4().hex[:8]}"


def put_trial(file: Path, lines: list[str], *, what: str) -> None:
    """Put the lines between the marks of the trial `what` in `file`, instead of what is there."""
    begins = f"<!-- trial: python -m bench {what} -->"
    text = file.read_text(encoding="utf-8") if file.exists() else f"{begins}\n{_ENDS}\n"
    before, _, rest = text.partition(begins)
    _, _, after = rest.partition(_ENDS)
    trial = "\n".join(lines)
    file.write_text(f"{before}{begins}\n\n{trial}\n\n{_ENDS}{after}", encoding="utf-8")
