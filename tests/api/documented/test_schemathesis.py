"""Thousands of requests made from the document, right ones and wrong ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.api.server import ROOT, Api

CASES_MIN = 5_000
CASES_PER_OPERATION = 450
SEED = "20260310"


class TestTheDocument:
    @pytest.mark.timeout(1_200)
    def test_is_true_of_the_running_api(self, api: Api, tmp_path: Path) -> None:
        report = tmp_path / "report.json"
        phases = ["--phases", "examples,coverage,fuzzing", "--max-examples", str(CASES_PER_OPERATION)]
        reports = ["--report", "json", "--report-json-path", str(report), "--no-color"]

        ended = subprocess.run(
            [
                *(str(Path(sys.executable).parent / "schemathesis"), "run", f"{api.url}/openapi.json"),
                *("--seed", SEED, "--continue-on-failure", *phases, *reports),
            ],
            # A folder of its own: it keeps what it learns beside it, and would not begin from the seed again.
            cwd=tmp_path,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "SCHEMATHESIS_HOOKS": "tests.api.documented.schemathesis_hooks",
            },
            capture_output=True,
            text=True,
            check=False,
        )

        assert ended.returncode == 0, ended.stdout[-8_000:] + ended.stderr[-2_000:]
        assert _cases(report) >= CASES_MIN
        assert '"level": "error"' not in api.log_file.read_text()


def _cases(report: Path) -> int:
    return int(json.loads(report.read_text())["test_cases"]["generated"])
