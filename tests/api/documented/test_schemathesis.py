"""Thousands of requests made from the document, right ones and wrong ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import httpx
import pytest

from psp_api.server.openapi.operations import OPERATIONS
from psp_core.bootstrap import Core
from tests.api.bodies import create, payables_of
from tests.api.server import ROOT, Api, requests_in

CASES_MIN = 5_000
# Besides the 1,700 that cover every rule of the document once. One process for each method, because each fills a core;
# most cases for the bodies, of which there are most different ones.
CASES_PER_OPERATION: Mapping[str, int] = {"GET": 280, "POST": 460}
SEED = "20260310"
CONFIGURATION = Path(__file__).with_name("schemathesis.toml")


@pytest.fixture
def objects(api: Api, client: httpx.Client, merchant: str, in_a_month: Core) -> dict[str, str]:
    """An object of every kind, so that the requests are not only for what does not exist."""
    created = create(client, installments=2)
    payable = payables_of(api.core, client, created)[-1]
    in_a_month.settle_payables(due_on=datetime.fromisoformat(payable["payment_date"]).date())
    [settlement] = client.get("/settlements").json()
    large = create(client, amount=1_000_000)
    payables_of(api.core, client, large)
    refund = client.post(f"/transactions/{large['id']}/refunds", json={"amount": 1}).json()
    return {
        "merchant": merchant,
        "/transactions/{id}": created["id"],
        "/transactions/{id}/payables": created["id"],
        "/transactions/{id}/refunds": large["id"],
        "/refunds/{id}": refund["id"],
        "/payables/{id}": payable["id"],
        "/settlements/{id}": settlement["id"],
        "/settlements/{id}/lines": settlement["id"],
        "/settlements/{id}/report": settlement["id"],
    }


class TestTheDocument:
    # Two minutes of two cores; many more where they are shared.
    @pytest.mark.timeout(1_200)
    def test_is_true_of_the_running_api(self, api: Api, objects: dict[str, str], tmp_path: Path) -> None:
        (tmp_path / "objects.json").write_text(json.dumps(objects))
        runs = {method: _start(api.url, method, folder=tmp_path) for method in CASES_PER_OPERATION}

        said = {method: run.communicate()[0] for method, run in runs.items()}

        for method, run in runs.items():
            assert run.returncode == 0, said[method][-8_000:]
        assert sum(_cases(tmp_path / f"{method}.json") for method in runs) >= CASES_MIN
        assert '"level": "error"' not in api.log_file.read_text()
        answered = {(line["method"].lower(), line["route"], line["status"] // 100) for line in requests_in(api)}
        for operation in OPERATIONS:
            assert {(operation.method, operation.path, kind) for kind in (2, 4)} <= answered


def _start(url: str, method: str, *, folder: Path) -> subprocess.Popen[str]:
    reports = ["--report", "json", "--report-json-path", str(folder / f"{method}.json"), "--no-color"]
    amount = ["--phases", "examples,coverage,fuzzing", "--max-examples", str(CASES_PER_OPERATION[method])]
    return subprocess.Popen(
        [
            *(str(Path(sys.executable).parent / "schemathesis"), "--config-file", str(CONFIGURATION)),
            *("run", f"{url}/openapi.json"),
            *("--seed", SEED, "--continue-on-failure", "--include-method", method, *amount, *reports),
        ],
        # It keeps what it learns in the folder it is started in, and would not begin from the seed again.
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "SCHEMATHESIS_HOOKS": "tests.api.documented.schemathesis_hooks",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _cases(report: Path) -> int:
    """Return the number of cases that were made, sent and checked."""
    counted: dict[str, int] = json.loads(report.read_text())["test_cases"]
    assert counted["errored"] == counted["without_checks"] == counted["with_failures"] == 0
    return counted["generated"]
