"""Thousands of requests made from the document, right ones and wrong ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.api.server import ROOT, Api

CASES_MIN = 5_000
# Besides those that cover every rule of the document once. One process for each, because each fills a core.
CASES_PER_OPERATION: Mapping[str, int] = {"GET": 460, "POST": 460}
SEED = "20260310"


@pytest.mark.skipif("PSP_LONG_TESTS" not in os.environ, reason="takes many minutes: PSP_LONG_TESTS=1 runs it")
class TestTheDocument:
    @pytest.mark.timeout(3_000)
    def test_is_true_of_the_running_api(self, api: Api, tmp_path: Path) -> None:
        runs = {method: _start(api.url, method, folder=tmp_path) for method in CASES_PER_OPERATION}

        said = {method: run.communicate()[0] for method, run in runs.items()}

        for method, run in runs.items():
            assert run.returncode == 0, said[method][-8_000:]
        assert sum(_cases(tmp_path / f"{method}.json") for method in runs) >= CASES_MIN
        assert '"level": "error"' not in api.log_file.read_text()


def _start(url: str, method: str, *, folder: Path) -> subprocess.Popen[str]:
    reports = ["--report", "json", "--report-json-path", str(folder / f"{method}.json"), "--no-color"]
    amount = ["--phases", "examples,coverage,fuzzing", "--max-examples", str(CASES_PER_OPERATION[method])]
    return subprocess.Popen(
        [
            *(str(Path(sys.executable).parent / "schemathesis"), "run", f"{url}/openapi.json"),
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
    return int(json.loads(report.read_text())["test_cases"]["generated"])
