"""The product's long work in a process of its own: `python -m bench.rig.processes drain|settle …`, one JSON line out.

With `--as-dagster-run` everything that a Dagster run worker imports is imported first, so that the peak memory is a
run's, not a bare script's.
"""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from psp_core.bootstrap import Core, build_core
from psp_core.settings import Settings
from psp_core.usecases.payables.drain_queue import DrainOutcome
from psp_local import LocalStackError

_KIB_PER_MIB = 1024
LIMIT_S = 1_800
# Not imported above: a process that only drains imports no Dagster.
_IMPORTED_BY_A_RUN = ("psp_pipelines.definitions", "dagster._grpc.server", "dagster_postgres")


@dataclass(frozen=True)
class Worker:
    """A started process, whose report comes when it ends."""

    process: subprocess.Popen[str]

    def report(self) -> dict[str, Any]:
        """Wait for the end and return what it measured."""
        try:
            out, err = self.process.communicate(timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        if self.process.returncode:
            raise LocalStackError(f"a process of the bench failed: {err.strip()[-600:]}")
        found: dict[str, Any] = json.loads(out.strip().splitlines()[-1])
        return found

    def wait_until_ready(self) -> None:
        """Wait for its first line: everything is imported, and the work begins."""
        if self.process.stdout is None or not self.process.stdout.readline():
            raise LocalStackError("a process of the bench ended before it began")

    def end(self) -> None:
        """Kill it if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def start(environment: Mapping[str, str], *arguments: str) -> Worker:
    """Start `python -m bench.rig.processes` with the arguments."""
    command = [sys.executable, "-m", "bench.rig.processes", *arguments]
    return Worker(
        subprocess.Popen(command, env=dict(environment), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    )


def drain(core: Core) -> dict[str, Any]:
    """Drain the queue once; `seconds` end with the last commit that found something, before the linger."""
    started_s = last_work_s = time.monotonic()
    done = 0

    def note(report: DrainOutcome) -> None:
        nonlocal last_work_s, done
        if report.messages > done:
            done, last_work_s = report.messages, time.monotonic()

    report = core.drain_queue(on_commit=note)
    return {
        "seconds": last_work_s - started_s,
        "created": report.created,
        "existing": report.existing,
        "messages": report.messages,
        "left_messages": report.left_messages,
        "commits": report.commits,
    }


def settle(core: Core, *, due_on: date) -> dict[str, Any]:
    """Settle one due date; `seconds` are those of the use case."""
    started_s = time.monotonic()
    report = core.settle_payables(due_on=due_on)
    return {
        "seconds": time.monotonic() - started_s,
        "settled": sum(totals.count for totals in report.by_currency().values()),
        "merchants": len(report.settled),
    }


def peak_mib() -> float:
    """Return this process's peak resident memory. Not from getrusage: that includes the parent's before the exec."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / _KIB_PER_MIB


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("work", choices=["drain", "settle"])
    parser.add_argument("--due-on", type=date.fromisoformat)
    parser.add_argument("--as-dagster-run", action="store_true")
    options = parser.parse_args()
    if options.as_dagster_run:
        for module in _IMPORTED_BY_A_RUN:
            importlib.import_module(module)
    core = build_core(Settings(), application_name="psp-bench")
    print("ready", flush=True)
    found = drain(core) if options.work == "drain" else settle(core, due_on=options.due_on)
    print(json.dumps({**found, "peak_mib": peak_mib()}), flush=True)


if __name__ == "__main__":
    main()
