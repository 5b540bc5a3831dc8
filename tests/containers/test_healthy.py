"""The image's one healthcheck finds out what its container runs."""

from __future__ import annotations

import pytest

from deploy.image.healthy import probe_of

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
