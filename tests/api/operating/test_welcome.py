"""What `make` prints when it is ready works as it is printed, whoever says which merchant calls."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from psp_core.bootstrap import Core
from psp_core.settings import Settings
from psp_local.environment import read_plan
from psp_local.welcome import welcome
from tests.api.server import ROOT, api_program

PEPPER = "0123456789abcdef0123456789abcdef"
MODES: list[dict[str, str]] = [
    {},
    {"PSP_AUTH_MODE": "api-key", "PSP_API_KEY_PEPPER": PEPPER},
    {"PSP_AUTH_MODE": "api-key", "PSP_API_KEY_PEPPER": PEPPER, "PSP_API_KEY_MODE": "test"},
]


def printed_commands(url: str, *, variables: dict[str, str], folder: Path) -> str:
    plan = replace(read_plan({}, root=ROOT, data_dir=folder), api_port=urlsplit(url).port or 0)
    said = welcome(plan, variables=variables, took_s=1)
    return said.partition("in another terminal:\n")[2].partition("\nand open")[0]


class TestWelcome:
    @pytest.mark.parametrize("mode", MODES)
    def test_prints_commands_that_a_shell_runs_and_the_api_answers(
        self,
        mode: dict[str, str],
        core: Core,
        settings: Settings,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.chdir(ROOT)
        variables = {
            "PSP_DATABASE_URL": settings.database_url.get_secret_value(),
            "PSP_SQS_ENDPOINT_URL": str(settings.sqs_endpoint_url),
            "PSP_SQS_QUEUE_NAME": settings.sqs_queue_name,
            **mode,
        }
        program, url = api_program(tmp_path, environment=variables)
        with program:
            commands = printed_commands(url, variables=variables, folder=tmp_path / "data")
            ended = subprocess.run(
                ["/bin/sh", "-ec", commands],
                env={**os.environ, **variables},
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=False,
                timeout=120,
            )

        assert ended.returncode == 0, ended.stderr
        assert "201 Created" in ended.stdout
        # No drain runs here: the list of payables is empty, and no refusal.
        assert ended.stdout.endswith("[]")
