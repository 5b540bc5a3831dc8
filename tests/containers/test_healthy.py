"""The image's one healthcheck finds out what its container runs."""

from __future__ import annotations

import time
from pathlib import Path

import dagster as dg
import pytest
from dagster._daemon.types import DaemonHeartbeat

from deploy.image.healthy import ask_for_heartbeats, probe_of
from psp_local.postgres import EmbeddedPostgres
from tests.pipelines.dagster_database import dagster_variables

ROOT = Path(__file__).parents[2]

_SERVERS = {
    "gunicorn -c psp_api/gunicorn_conf.py psp_api.main:create_app()": ("http", "http://127.0.0.1:3000/health/live"),
    "python -m psp_pipelines.access.webserver --host=0.0.0.0 --port=3001": (
        "http",
        "http://127.0.0.1:3001/server_info",
    ),
    "dagster code-server start -h 0.0.0.0 -p 4000 -m psp_pipelines.definitions": ("grpc", "127.0.0.1:4000"),
    "dagster api grpc --host=0.0.0.0 --port=4000 --module-name=psp_pipelines.definitions": ("grpc", "127.0.0.1:4000"),
    "dagster-daemon run -w workspace.yaml": ("daemon", ""),
    "psp relay": ("nothing", ""),
}


class TestProbeOf:
    @pytest.mark.parametrize("command", _SERVERS)
    def test_asks_a_server_at_its_own_port(self, command: str) -> None:
        assert probe_of(command.split(), api_bind="0.0.0.0:3000") == _SERVERS[command]

    @pytest.mark.parametrize(
        "before",
        [
            ["/sbin/docker-init", "--"],
            ["/opt/venv/bin/python3", "-u"],
            ["/sbin/docker-init", "--", "/opt/venv/bin/python"],
        ],
    )
    def test_sees_a_server_behind_what_started_it(self, before: list[str]) -> None:
        words = [*before, "/opt/venv/bin/python", "-m", "psp_pipelines.access.webserver", "--port", "8000"]

        assert probe_of(words, api_bind="") == ("http", "http://127.0.0.1:8000/server_info")


class TestAskForHeartbeats:
    def test_finds_in_dagsters_own_table_what_a_daemon_writes(
        self, postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        postgres.create_database("dagster_heartbeats")
        for name, value in dagster_variables(postgres.url("dagster_heartbeats")).items():
            monkeypatch.setenv(name, value)

        with dg.DagsterInstance.from_config(str(ROOT)) as instance:
            for beat_s, is_well in ((time.time() - 3_600, False), (time.time(), True)):
                instance.add_daemon_heartbeat(DaemonHeartbeat(beat_s, "SENSOR", None))
                assert instance.get_daemon_heartbeats()["SENSOR"].timestamp == beat_s
                if is_well:
                    ask_for_heartbeats()
                else:
                    with pytest.raises(SystemExit, match="no sign of life"):
                        ask_for_heartbeats()
