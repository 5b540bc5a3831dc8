"""`make bench`: measure every hop, or those that are named, and write the report."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench.history import run_history
from bench.hops import HOPS
from bench.machine import ROOT, circumstances
from bench.report import table, write_report
from bench.results import HopResult
from bench.rig.load import require_wrk
from bench.rig.rounds import Bench
from bench.rig.servers import Servers, free_mib, running_servers
from bench.scale import run_scale
from psp_local import LocalStackError

BUILD = ROOT / "build" / "bench"
_ROUNDS = 5
_DISK_MIB = 25_000
_QUICK_DISK_MIB = 3_000


def main() -> None:
    options = _options()
    try:
        _run(options)
    except LocalStackError as error:
        sys.exit(f"bench: {error}")


def _run(options: argparse.Namespace) -> None:
    if options.what != "history":
        require_wrk()
    _require_disk(options.data_dir, wanted_mib=_QUICK_DISK_MIB if options.quick else _DISK_MIB)
    build = BUILD / "quick" if options.quick else BUILD
    build.mkdir(parents=True, exist_ok=True)
    with running_servers(options.data_dir) as servers:
        bench = Bench(servers, rounds=options.rounds, is_quick=options.quick, folder=build)
        if options.what == "scale":
            # Trials of the harness stay out of the docs.
            run_scale(bench, file=build / "scaling.md" if options.quick else ROOT / "docs" / "scaling.md")
            return
        if options.what == "history":
            run_history(bench, file=build / "history.md" if options.quick else ROOT / "docs" / "operations.md")
            return
        for name in options.hops or HOPS:
            _save(_measure(bench, servers, name), build)
    results = _saved(build)
    missing = [name for name in HOPS if name not in {result.name for result in results}]
    if options.quick:
        write_report(results, file=build / "benchmarks.md", images=build / "images", missing=missing)
    else:
        write_report(results, file=ROOT / "docs" / "benchmarks.md", images=ROOT / "docs" / "images", missing=missing)
    print("\n".join(table(results)))


def _measure(bench: Bench, servers: Servers, name: str) -> HopResult:
    where = circumstances(servers)
    bench.say(f"{name}: {bench.rounds} rounds")
    started_s = time.monotonic()
    result = HOPS[name](bench)
    took_s = time.monotonic() - started_s
    bench.say(f"{name}: done in {took_s:.0f} s")
    return replace(result, circumstances={**where, "rounds": str(bench.rounds), "took": f"{took_s / 60:.1f} minutes"})


def _save(result: HopResult, build: Path) -> None:
    """Keep each hop's result at once: what was measured survives the failure of a later hop."""
    (build / f"{result.name}.json").write_text(json.dumps(result.to_json(), indent=1), encoding="utf-8")


def _saved(build: Path) -> list[HopResult]:
    """Return the results of all hops that were ever measured here, in the order of the table."""
    files = [build / f"{name}.json" for name in HOPS]
    return [HopResult.from_json(json.loads(file.read_text(encoding="utf-8"))) for file in files if file.exists()]


def _require_disk(folder: Path, *, wanted_mib: int) -> None:
    found = free_mib(folder)
    if found < wanted_mib:
        raise LocalStackError(
            f"{folder} has {found:,} MiB free and the run may need {wanted_mib:,}: name another disk with --data-dir."
        )


def _options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "what",
        nargs="?",
        choices=["hops", "scale", "history"],
        default="hops",
        help="scale: N processes at once; history: Dagster's records after a year",
    )
    parser.add_argument("--rounds", type=int, default=_ROUNDS, help="interleaved rounds a hop (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="small sizes, to try the harness; the docs stay")
    parser.add_argument(
        "--hop", dest="hops", action="append", choices=list(HOPS), help="only this one; may be repeated"
    )
    parser.add_argument("--data-dir", type=Path, default=Path("/var/tmp"), help="a disk, not memory (%(default)s)")  # noqa: S108
    options = parser.parse_args(arguments)
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    return options


if __name__ == "__main__":
    main()
