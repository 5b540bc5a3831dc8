"""The whole platform, started as `make` starts it, on ports and a folder of its own; spoken to as its users do."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import psycopg2
from sqlalchemy import make_url

from psp_local.dagster_api import ask_by
from psp_local.ports import free_port
from psp_local.postgres import SUPERUSER
from psp_local.supervision.program import Program
from tests.logins import connect
from tests.waiting import wait_for

ROOT = Path(__file__).parents[2]
PSP = Path(sys.executable).parent / "psp"
BEAN_CHECK = PSP.with_name("bean-check")
AGREED = ("--new-merchant", "--yes", "--reason", "a test")
"""What a script adds to `psp fee-plans set`."""

REASON = "end-to-end test"
"""Of a settlement that is launched by hand."""

CARD_NUMBER = "4111111111111111"
CARD_VERIFICATION_CODE = "737"

# httpcore may close an idle connection as surplus just after it gave it to another thread's request, which then reads
# from a closed socket (encode/httpcore#1110; 1.0.9 has no mend). Without a bound no connection is surplus.
_SHARED_BY_THREADS = httpx.Limits(max_connections=None, max_keepalive_connections=None)

_LAUNCH_BACKFILL = """
mutation ($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
  }
}
"""
_BACKFILL = """
query ($id: String!) { partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill { status } } }
"""
_RUNS = """
query ($filter: RunsFilter) { runsOrError(filter: $filter, limit: 50) { ... on Runs { results { runId status } } } }
"""


@dataclass(frozen=True)
class RunningPlatform:
    data_dir: Path
    api: httpx.Client
    dagster: httpx.Client
    environment: dict[str, str]

    @property
    def folders(self) -> list[Path]:
        """Where the data is. Root's database is elsewhere: the stack's folder is closed to the user it runs as."""
        return [self.data_dir, (self.data_dir / "postgres").resolve()]

    def post_transaction(self, *, customer_id: str, key: str | None = None, **changes: Any) -> httpx.Response:
        headers = {"x-customer-id": customer_id} | ({"Idempotency-Key": key} if key else {})
        return self.api.post("/transactions", json=a_body(**changes), headers=headers)

    def get(self, path: str, *, customer_id: str, **query: Any) -> Any:
        response = self.api.get(path, headers={"x-customer-id": customer_id}, params=query)
        response.raise_for_status()
        return response.json()

    def connect(self, database: str) -> psycopg2.extensions.connection:
        """Connect to a database of the platform as its superuser: the terminal's login does not read everything."""
        url = next(
            line.split("=", 1)[1].strip("'")
            for line in (self.data_dir / "env").read_text().splitlines()
            if line.startswith("export PSP_DATABASE_URL=")
        )
        password = (self.data_dir / "postgres" / "password").read_text()
        return connect(make_url(url).set(username=SUPERUSER, password=password, database=database))

    def has_payables(self, count: int, *, customer_id: str) -> bool:
        """Tell whether the merchant has so many: to wait for them page by page keeps the platform from making them."""
        with closing(self.connect("psp")) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM payables WHERE customer_id = %s", (customer_id,))
            [(found,)] = cursor.fetchall()
        return bool(found >= count)

    def all_of(self, path: str, *, customer_id: str) -> list[dict[str, Any]]:
        """Follow the `next` links to the end of a list."""
        rows: list[dict[str, Any]] = []
        url: str | None = f"{path}?limit=200"
        while url:
            response = self.api.get(url, headers={"x-customer-id": customer_id})
            response.raise_for_status()
            rows += response.json()
            url = response.links.get("next", {}).get("url")
        return rows

    def graphql(self, query: str, **variables: Any) -> Any:
        return ask_by(self.dagster, query, **variables)

    def launch_settlement(self, due_on: date, *, reason: str) -> dict[str, str]:
        """Launch the due date's partition, as the button in the asset's page does; returns what Dagster answers."""
        config = {"ops": {"settlement": {"config": {"reason": reason}}}} if reason else {}
        params = {
            "assetSelection": [{"path": ["settlement"]}],
            "partitionNames": [due_on.isoformat()],
            "fromFailure": False,
            "runConfigData": config,
        }
        answer: dict[str, str] = self.graphql(_LAUNCH_BACKFILL, params=params)["launchPartitionBackfill"]
        return answer

    def settle(self, due_on: date) -> None:
        """Have the due date settled by a launch from the asset's page, and wait for success."""
        backfill_id = self.launch_settlement(due_on, reason=REASON)["backfillId"]
        wait_for(lambda: self.backfill_ended_well(backfill_id), within_s=600, what="the settlement's backfill")

    def backfill_ended_well(self, backfill_id: str) -> bool:
        """Tell whether it has ended; fails when it did not end well, or is about to."""
        status = self.graphql(_BACKFILL, id=backfill_id)["partitionBackfillOrError"]["status"]
        assert "FAIL" not in status, status
        assert "CANCEL" not in status, status
        return bool(status == "COMPLETED_SUCCESS")

    def runs(self, **filter: Any) -> list[dict[str, str]]:
        found: list[dict[str, str]] = self.graphql(_RUNS, filter=filter)["runsOrError"]["results"]
        return found

    def psp(self, *arguments: str) -> str:
        """Run a `psp` command in another terminal, against this platform."""
        done = subprocess.run(
            [PSP, *arguments], cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def require_balanced_ledger(self) -> None:
        """Let Beancount, in a process of its own, balance all that was posted, with every stored balance."""
        file = self.data_dir.with_suffix(".beancount")
        self.psp("ledger", "export", str(file))
        checked = subprocess.run([BEAN_CHECK, file], capture_output=True, text=True, check=False)
        assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
        assert " * " in file.read_text()

    def pids(self, *words: str) -> list[int]:
        """The platform's processes whose command line has all the words; its own, not another platform's."""
        mine = f"PSP_DATA_DIR={self.data_dir}".encode()
        # Postgres is given no environment, but it names its folder.
        folders = [str(folder) for folder in self.folders]
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                is_mine = any(own in command for own in folders) or mine in (folder / "environ").read_bytes().split(
                    b"\0"
                )
                if is_mine and all(word in command for word in words):
                    found.append(int(folder.name))
            except OSError:
                continue
        return sorted(found)


def a_body(**changes: Any) -> dict[str, Any]:
    return {
        "description": "Lightsaber",
        "amount": "2500",
        "payment_method": "credit_card",
        "card_number": CARD_NUMBER,
        "card_holder_name": "Luke Skywalker",
        "card_expiration_date": "10/25",
        "card_verification_code": CARD_VERIFICATION_CODE,
        **changes,
    }


@contextmanager
def running_platform(data_dir: Path, **settings: str) -> Iterator[RunningPlatform]:
    """Start the platform, wait until it says that it runs, and stop it with Ctrl-C in the end.

    What its tests have moved must balance then, for a program that is not ours.
    """
    ports = {name: str(free_port()) for name in ("API", "WEB", "POSTGRES", "SQS")}
    environment = {
        **os.environ,
        **{f"PSP_{name}_PORT": port for name, port in ports.items()},
        "PSP_DATA_DIR": str(data_dir),
        **settings,
    }
    log = data_dir.parent / f"{data_dir.name}.log"
    # Ends with its thread: tests that are killed, as all are when one process of them is interrupted, leave nothing.
    stack = Program(
        "psp up",
        command=[PSP, "up"],
        environment=environment,
        folder=ROOT,
        log_file=log,
        ready=lambda: "psp runs" in log.read_text(),
        ready_within_s=300,
        stop_within_s=120,
        stop_signal=signal.SIGINT,
    )
    try:
        with (
            stack,
            httpx.Client(base_url=f"http://127.0.0.1:{ports['API']}", timeout=60, limits=_SHARED_BY_THREADS) as api,
            httpx.Client(base_url=f"http://127.0.0.1:{ports['WEB']}", timeout=120) as dagster,
        ):
            platform = RunningPlatform(data_dir, api, dagster, environment)
            yield platform
            platform.require_balanced_ledger()
    finally:
        # Shown by pytest beside a failure: what was restarted, and when.
        print(log.read_text())
        # As root it is elsewhere: the stack's own folder is closed to the user that Postgres runs as.
        shutil.rmtree((data_dir / "postgres").resolve(), ignore_errors=True)
