"""The real API as a child process: gunicorn, its workers, and what they write to their log."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from psp_core.bootstrap import Core
from psp_local.ports import free_port
from psp_local.supervision.program import Program

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Api:
    """A running API; `core` works on the same database and queue."""

    url: str
    core: Core
    log_file: Path

    def client(self, merchant: str | None = None, **headers: str) -> httpx.Client:
        named = {"x-customer-id": merchant} if merchant else {}
        # There is no TLS here, and reading all certificates takes longer than most tests.
        return httpx.Client(base_url=self.url, headers={**named, **headers}, timeout=30, verify=False)


def requests_in(api: Api) -> list[dict[str, Any]]:
    """Return the log lines of all requests so far."""
    lines = api.log_file.read_text().splitlines()
    return [json.loads(line) for line in lines if line.startswith('{"event":"request"')]


def api_program(folder: Path, *, environment: Mapping[str, str], workers: int = 1) -> tuple[Program, str]:
    """Return the program, not started yet, and the URL at which it will answer."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    program = Program(
        "api",
        command=[sys.executable, "-m", "gunicorn", "-c", "psp_api/gunicorn_conf.py", "psp_api.main:create_app()"],
        environment={
            **os.environ,
            **environment,
            "PSP_API_BIND": f"127.0.0.1:{port}",
            "PSP_API_WORKERS": str(workers),
            "PYTHONUNBUFFERED": "1",
        },
        folder=ROOT,
        log_file=folder / "api.log",
        ready=lambda: _is_live(url),
    )
    return program, url


def _is_live(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/live", timeout=1).status_code == 200
    except httpx.HTTPError:
        return False
