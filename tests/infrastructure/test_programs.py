"""Programs on AWS have what docker-compose.yml gives them: commands, variables, and the database's settings."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from psp_core.adapters.postgres.schema.logins import Login
from psp_local.postgres import SILENT_SETTINGS
from tests.infrastructure.terraform.plan import Files, plan, read_files

ROOT = Path(__file__).parents[2]
INFRASTRUCTURE = ROOT / "infrastructure"
PRODUCTION = "environments/production.tfvars"

# Who is who: each program of docker-compose.yml, and the tasks that are the same on AWS.
TASKS = {
    "migrate": ["migrate"],
    "api": ["api"],
    "code-server": ["code_server", "run"],
    "operator": ["operator"],
    "webserver": ["webserver"],
    "webserver-read-only": ["viewers_webserver"],
    "daemon": ["daemon"],
}
PAIRS = [(program, task) for program, tasks in TASKS.items() for task in tasks]
# The queue's endpoint and credentials are AWS's own there.
LOCAL_ONLY = {"PSP_SQS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
# Alarms go out from sensors: on one machine these are in the same container as the runs.
ELSEWHERE = {("run", "PSP_ALARM_URL")}
SAME_VALUE = ["PSP_AUTH_MODE", "PSP_API_BIND", "PSP_API_TRUSTED_PROXIES", "DAGSTER_PG_USER", "DAGSTER_PG_DB"]

Containers = Mapping[str, Mapping[str, Any]]


@pytest.fixture(scope="module")
def composed() -> Mapping[str, Any]:
    services: Mapping[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    return services


@pytest.fixture(scope="module")
def files() -> Files:
    return read_files(INFRASTRUCTURE)


@pytest.fixture(scope="module")
def containers(files: Files) -> Containers:
    return containers_of(files)


def containers_of(files: Files) -> Containers:
    definitions = plan(files, "production").of_kind("aws_ecs_task_definition")
    return {
        definition.short.split(".")[0].removesuffix("_task"): json.loads(definition.values["container_definitions"])[0]
        for definition in definitions
    }


def variables_of(container: Mapping[str, Any]) -> dict[str, str]:
    told = {it["name"]: it["value"] for it in container["environment"]}
    return told | {it["name"]: it["valueFrom"] for it in container["secrets"]}


def settings_from_env_file(composed: Mapping[str, Any]) -> set[str]:
    """Return what a program is told only if somebody has set it."""
    return {
        name
        for service in composed.values()
        for name, value in service.get("environment", {}).items()
        if (value is None and name != "PSP_ALARM_URL") or str(value).startswith(f"${{{name}:-")
    }


class TestPrograms:
    @pytest.mark.parametrize(("program", "task"), PAIRS)
    def test_are_told_all_that_they_are_told_on_one_machine(
        self, program: str, task: str, composed: Mapping[str, Any], files: Files
    ) -> None:
        chosen = dict.fromkeys(settings_from_env_file(composed), "x")
        settings = "\n".join(f'  {name} = "{value}"' for name, value in chosen.items())
        written = re.compile(r"^application_settings = \{.*?^\}", re.MULTILINE | re.DOTALL)
        changed = written.sub(f"application_settings = {{\n{settings}\n}}", files[PRODUCTION])

        told = variables_of(containers_of({**files, PRODUCTION: changed})[task])

        wanted = {name for name in composed[program]["environment"] if (task, name) not in ELSEWHERE}
        assert wanted - LOCAL_ONLY - told.keys() == set()

    @pytest.mark.parametrize(("program", "task"), PAIRS)
    def test_are_told_the_same_where_the_machine_makes_no_difference(
        self, program: str, task: str, composed: Mapping[str, Any], containers: Containers
    ) -> None:
        told, local = variables_of(containers[task]), composed[program]["environment"]

        for name in SAME_VALUE:
            assert told.get(name) == (str(local[name]) if name in local else None)

    @pytest.mark.parametrize("program", ["webserver", "webserver-read-only", "daemon"])
    def test_are_started_with_the_same_command(
        self, program: str, composed: Mapping[str, Any], containers: Containers
    ) -> None:
        [task] = TASKS[program]

        assert " ".join(containers[task]["command"]) == " ".join(composed[program]["command"]).replace("=", " ")

    def test_have_a_login_each_that_the_setup_task_makes(self, containers: Containers) -> None:
        told = variables_of(containers["setup"])

        assert {f"{login.name}_DATABASE_URL_ARN" for login in Login} <= told.keys()

    def test_find_every_variable_that_dagster_s_configuration_asks_for(self, containers: Containers) -> None:
        asked = set(re.findall(r"\{env: (\w+)\}", (INFRASTRUCTURE / "dagster.yaml").read_text()))

        for task in ("webserver", "viewers_webserver", "daemon", "migrate"):
            assert asked <= variables_of(containers[task]).keys()


class TestDatabase:
    @pytest.fixture
    def parameters(self, files: Files) -> dict[str, str]:
        [group] = plan(files, "production").of_kind("aws_db_parameter_group")
        return {it["name"]: it["value"] for it in group.values["parameter"]}

    def test_logs_nothing_of_what_merchants_send(self, parameters: dict[str, str], composed: Mapping[str, Any]) -> None:
        local = dict(it.removeprefix("-c").split("=") for it in composed["postgres"]["command"] if it.startswith("-c"))

        assert {name: parameters.get(name) for name in SILENT_SETTINGS} == dict(SILENT_SETTINGS)
        assert {name: local.get(name) for name in SILENT_SETTINGS} == dict(SILENT_SETTINGS)

    def test_plans_as_on_one_machine(self, parameters: dict[str, str], composed: Mapping[str, Any]) -> None:
        local = dict(it.removeprefix("-c").split("=") for it in composed["postgres"]["command"] if it.startswith("-c"))

        assert (parameters["jit"], local["jit"]) == ("0", "off")
        assert parameters["random_page_cost"] == local["random_page_cost"]
