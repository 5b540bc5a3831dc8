"""Where and of what a measurement was taken: a number without this means nothing."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from bench.rig.servers import Servers

ROOT = Path(__file__).parents[1]
_DURABILITY = ("fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "max_wal_size")
_GIB = 1 << 30


def circumstances(servers: Servers) -> dict[str, str]:
    """Return the machine, the versions, the commit and how busy the machine was, ready to be shown."""
    settings = ", ".join(f"{name} {servers.value(f'SHOW {name}')}" for name in _DURABILITY)
    return {
        "commit": _commit(),
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "cores": f"{len(os.sched_getaffinity(0))} ({_processor()})",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / _GIB:.0f} GiB",
        "kernel": f"{platform.system()} {platform.release()}, data on {_file_system(servers.folder)}",
        "Python": platform.python_version(),
        "Postgres": f"{servers.value('SHOW server_version')} ({settings})",
        "load average before": " ".join(f"{load:.1f}" for load in os.getloadavg()),
    }


def _commit() -> str:
    head = _git("rev-parse", "--short=12", "HEAD")
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", "psp_core", "psp_api", "psp_pipelines")
    return f"{head or 'unknown'}{' and uncommitted changes' if changed else ''}"


def _git(*arguments: str) -> str:
    answer = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S607
    return answer.stdout.strip()


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _file_system(folder: Path) -> str:
    kind, longest = "unknown", -1
    for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines():
        mounted = Path(line.split()[1])
        if folder.resolve().is_relative_to(mounted) and len(mounted.parts) > longest:
            kind, longest = line.split()[2], len(mounted.parts)
    return kind
