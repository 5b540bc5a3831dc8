"""What the container files promise, as far as it can be seen without a Docker engine."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from psp_local.postgres import SILENT_SETTINGS

ROOT = Path(__file__).parents[2]


@pytest.fixture
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    return found


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    (tmp_path / "deploy").mkdir()
    shutil.copy(ROOT / "deploy/make-env", tmp_path / "deploy")
    return tmp_path


class TestComposeFile:
    def test_gives_no_service_rights_that_it_needs_not(self, services: dict[str, Any]) -> None:
        for name, service in services.items():
            assert service["read_only"], name
            assert service["cap_drop"] == ["ALL"], name
            assert service["security_opt"] == ["no-new-privileges:true"], name
            assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}, name

    def test_publishes_on_loopback_at_ports_that_can_be_changed(self, services: dict[str, Any]) -> None:
        published = [port for service in services.values() for port in service.get("ports", [])]

        assert len(published) == 3
        assert all(re.fullmatch(r"127\.0\.0\.1:\$\{PSP_\w+_PORT:-\d+\}:\d+", port) for port in published)

    def test_lets_nobody_but_dagster_reach_the_code_server(self, services: dict[str, Any]) -> None:
        networks = {name: set(service["networks"]) for name, service in services.items()}

        control = {name for name, joined in networks.items() if "control" in joined}
        neighbours = {name for name, joined in networks.items() if joined & networks["code-server"]}

        assert control == {"code-server", "webserver", "webserver-read-only", "daemon"}
        # Database and queue are asked by it, and run nothing of ours.
        assert neighbours - control == {"postgres", "sqs"}

    def test_lets_the_database_log_no_statement(self, services: dict[str, Any]) -> None:
        options = dict(part.removeprefix("-c").split("=", 1) for part in services["postgres"]["command"][1:])

        assert SILENT_SETTINGS.items() <= options.items()

    def test_limits_merchants_by_default_and_knows_their_addresses(self, services: dict[str, Any]) -> None:
        environment = services["api"]["environment"]

        assert re.fullmatch(
            r"\$\{PSP_API_RATE_LIMIT_PER_MINUTE:-[1-9]\d*\}", environment["PSP_API_RATE_LIMIT_PER_MINUTE"]
        )
        assert environment["PSP_API_TRUSTED_PROXIES"] == 1

    def test_has_no_secret_in_it(self) -> None:
        text = (ROOT / "docker-compose.yml").read_text()

        passwords = re.findall(r"\$\{(\w+_PASSWORD)", text)
        for name in {*passwords, "PSP_API_KEY_PEPPER"}:
            uses = re.findall(rf"\$\{{{name}(.*?)\}}", text)
            assert uses, name
            assert all(use.startswith(":?") for use in uses), name

    def test_gives_each_program_its_own_login(self, services: dict[str, Any]) -> None:
        def secrets(service: str) -> set[str]:
            return set(re.findall(r"\$\{(\w+_PASSWORD)", str(services[service].get("environment", {}))))

        assert secrets("api") == {f"PSP_LOGIN_{name}_PASSWORD" for name in ("API", "READS", "RELAY")}
        assert secrets("code-server") == {"PSP_LOGIN_RUNS_PASSWORD", "DAGSTER_PG_PASSWORD"}
        assert secrets("operator") == {"PSP_LOGIN_OPERATOR_PASSWORD"}
        assert secrets("migrate") == {"PSP_DATABASE_PASSWORD", "DAGSTER_PG_PASSWORD"}
        assert secrets("daemon") == {"DAGSTER_PG_PASSWORD"}
        for name in ("webserver", "webserver-read-only"):
            assert secrets(name) == {"PSP_LOGIN_WEBSERVER_PASSWORD", "DAGSTER_PG_PASSWORD"}
        with_the_administrators = {name for name in services if "POSTGRES_PASSWORD" in secrets(name)}
        assert with_the_administrators == {"postgres", "logins"}


class TestDockerfile:
    def test_needs_nothing_but_its_base_images_and_the_locks(self) -> None:
        text = (ROOT / "Dockerfile").read_text()

        assert "# syntax" not in text
        assert set(re.findall(r"^FROM (\S+:\S+)", text, re.MULTILINE)) == {"python:3.13-slim-trixie"}
        installs = re.findall(r"pip install (.*)", text)
        assert all("--require-hashes" in one or "--no-deps" in one for one in installs)


class TestMakeEnv:
    def test_makes_up_all_that_compose_asks_for(self, copy: Path) -> None:
        asked = set(re.findall(r"\$\{(\w+):\?", (ROOT / "docker-compose.yml").read_text()))

        said = subprocess.run([copy / "deploy/make-env"], capture_output=True, text=True, check=True).stdout

        variables = dict(re.findall(r"^(\w+)=(.+)$", (copy / ".env").read_text(), re.MULTILINE))
        assert set(variables) == asked
        assert len(set(variables.values())) == len(variables)
        assert stat.S_IMODE((copy / ".env").stat().st_mode) == 0o600
        assert re.search("operator [0-9a-f]{48}, viewer [0-9a-f]{48}", said)
        assert (copy / "deploy/secrets/operators.htpasswd").read_text().startswith("operator:$6$")

    def test_never_changes_what_data_was_written_with(self, copy: Path) -> None:
        subprocess.run([copy / "deploy/make-env"], capture_output=True, check=True)
        first = (copy / ".env").read_text()
        hashes = (copy / "deploy/secrets/operators.htpasswd").read_text()

        said = subprocess.run([copy / "deploy/make-env"], capture_output=True, text=True, check=True).stdout

        assert (copy / ".env").read_text() == first
        assert (copy / "deploy/secrets/operators.htpasswd").read_text() == hashes
        assert said == ""

    def test_adds_what_a_new_version_asks_for(self, copy: Path) -> None:
        older = "POSTGRES_PASSWORD=old\nPSP_OPERATORS_FILE=/own\nPSP_VIEWERS_FILE=/own"
        (copy / ".env").write_text(older)

        subprocess.run([copy / "deploy/make-env"], capture_output=True, check=True)

        assert (copy / ".env").read_text().startswith(f"{older}\nPSP_DATABASE_PASSWORD=")
        assert "\nPSP_LOGIN_RUNS_PASSWORD=" in (copy / ".env").read_text()
        assert os.listdir(copy / "deploy") == ["make-env"]
