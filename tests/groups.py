"""How the tests are shared out among the processes of `make test`, and which of them begin."""

from __future__ import annotations

from pathlib import PurePosixPath

# The tests of a folder or a file that share what is slow to start, or take long; longest first. Each of the first four
# begins in a process of its own. A process begins no test before it knows the next one, so what comes fifth waits for
# the one test of schemathesis: it is short.
_LONGEST_FIRST = (
    "e2e/test_outages.py",
    "e2e",
    "api/documented/test_schemathesis.py",
    "pipelines/browser",
    "api/documented/test_pages.py",
    "bench/test_harness.py",
    "containers/test_composed_stack.py",
    "test_cli.py",
    "infrastructure",
    "bench/test_history.py",
    "pipelines/test_schedules.py",
    "pipelines/test_settlement.py",
    "local_stack/test_postgres.py",
    "local_stack/test_supervisor.py",
    "local_stack/test_databases.py",
    "pipelines/test_operations.py",
    "test_command_line.py",
    "test_settings.py",
)


def group_of(nodeid: str) -> str:
    """Return the name of the group that a test belongs to."""
    place = start_of(nodeid)
    return _LONGEST_FIRST[place] if place < len(_LONGEST_FIRST) else _file(nodeid)


def start_of(nodeid: str) -> int:
    """Return the place of a test's group in the order of starting; all that are not named come last."""
    file = PurePosixPath(_file(nodeid)).relative_to("tests")
    for place, name in enumerate(_LONGEST_FIRST):
        if file.is_relative_to(name):
            return place
    return len(_LONGEST_FIRST)


def _file(nodeid: str) -> str:
    return nodeid.partition("::")[0]
