"""Processes that own something embedded, for tests that kill them: `owners.py KIND FOLDER PORT`.

They print `ready` (and what the test has to know) and stay until they are killed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from psp_local import LocalStackError
from psp_local.postgres import THROWAWAY_SETTINGS, EmbeddedPostgres
from psp_local.sqs import EmbeddedSqs
from psp_local.supervision.program import Program
from psp_local.supervision.supervisor import Supervisor

_REPOSITORY = Path(__file__).parents[2]
# Starts a grandchild in its own session as a daemon would, and another that stays in the family.
_FAMILY = "setsid sleep 1000 & sleep 1000 & wait"
# A server, and a worker of it that stays in the family.
_SERVER = "sleep 1000 & echo $! > worker; wait"
# One that ignores the signal to stop; what its children are is nobody's business but the supervisor's.
_STUBBORN = "trap '' TERM; sleep 1000 & while :; do wait; done"


def environment() -> dict[str, str]:
    """Return what they need to find the package, wherever it is started from."""
    return {**os.environ, "PYTHONPATH": str(_REPOSITORY)}


def start_owner(
    kind: str,
    folder: Path,
    port: int = 0,
    *,
    user: int | None = None,
    python: str = sys.executable,
    variables: Mapping[str, str] = MappingProxyType({}),
) -> subprocess.Popen[str]:
    """Start one of the processes below; the caller reads its output and ends it."""
    return subprocess.Popen(
        [python, __file__, kind, str(folder), str(port)],
        env={**environment(), **variables},
        cwd="/",
        stdout=subprocess.PIPE,
        text=True,
        user=user,
        group=user,
        extra_groups=None if user is None else [],
    )


def read_line(owner: subprocess.Popen[str], *, containing: str) -> str:
    """Return the next line of output with `containing` in it; fails when the process ends without one."""
    assert owner.stdout is not None
    seen = []
    for line in owner.stdout:
        seen.append(line)
        if containing in line:
            return line.strip()
    raise AssertionError(f"no line with {containing!r} in {''.join(seen)}")


def end(owner: subprocess.Popen[str]) -> None:
    """Kill it, if it still runs, and forget it."""
    owner.kill()
    owner.wait()
    if owner.stdout is not None:
        owner.stdout.close()


def _own_postgres(folder: Path, port: int) -> None:
    postgres = EmbeddedPostgres(folder, port, settings=THROWAWAY_SETTINGS)
    postgres.start()
    _say(f"ready {postgres.process.pid if postgres.process else 0}")
    signal.pause()


def _own_sqs(folder: Path, port: int) -> None:
    with EmbeddedSqs(folder, port):
        _say("ready")
        signal.pause()


def _supervise(folder: Path, scripts: dict[str, str]) -> None:
    try:
        with Supervisor(folder, say=_say) as supervisor:
            _say(supervisor.lease.marker)
            for name, script in scripts.items():
                supervisor.start(_dummy(folder, name=name, script=script))
            _say("ready")
            supervisor.watch(after_restart={"first": _fails_once(lambda: _say("chore done"))})
    except KeyboardInterrupt:
        pass
    except LocalStackError as error:
        sys.exit(f"refused: {error}")
    _say("stopped")


def _dummy(folder: Path, *, name: str, script: str) -> Program:
    started = folder / f"{name}.started"
    # `stops` records in which order the programs were asked to stop.
    prelude = f"trap 'echo {name} >> {folder}/stops; exit' TERM; echo $$ > {started}; "
    return Program(
        name,
        command=["/bin/sh", "-c", prelude + script],
        environment=os.environ,
        folder=folder,
        log_file=folder / f"{name}.log",
        # The shell makes the file before it writes.
        ready=lambda: started.exists() and bool(started.read_text()),
        stop_within_s=0.5 if script == _STUBBORN else 10,
        has_workers=script == _SERVER,
    )


def _fails_once(act: Callable[[], None]) -> Callable[[], None]:
    failures = iter([LocalStackError("not yet")])

    def act_at_the_second_time() -> None:
        for failure in failures:
            raise failure
        act()

    return act_at_the_second_time


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    kind, where, port = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    match kind:
        case "postgres":
            _own_postgres(where, port)
        case "sqs":
            _own_sqs(where, port)
        case "stack":
            # Only here: the interpreter of another user need not have all that the stack imports.
            from psp_local.stack import run_stack

            sys.exit(run_stack(root=where, data_dir=where / ".psp"))
        case "family":
            _supervise(where, {"first": _FAMILY, "second": _FAMILY})
        case "server":
            _supervise(where, {"first": _SERVER})
        case "stubborn":
            _supervise(where, {"first": _FAMILY, "stubborn": _STUBBORN})
