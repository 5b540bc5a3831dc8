"""The AWS configuration keeps its promises, and these checks notice when it does not."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.infrastructure.configuration import Configuration
from tests.infrastructure.invariants import violations
from tests.infrastructure.mutations import INVALID, UNSAFE, Mutation

INFRASTRUCTURE = Path(__file__).parents[2] / "infrastructure"
ENVIRONMENTS = sorted(path.stem for path in (INFRASTRUCTURE / "environments").glob("*.tfvars"))
# Read before the session's fixtures take every PSP_* variable away.
CHECK = os.environ.get("PSP_TERRAFORM_CHECK")

needs_check = pytest.mark.skipif(
    not CHECK, reason="PSP_TERRAFORM_CHECK names no command that validates and plans a folder with the AWS provider"
)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return shutil.copytree(INFRASTRUCTURE, tmp_path / "infrastructure", ignore=shutil.ignore_patterns(".terraform"))


class TestConfiguration:
    @pytest.mark.parametrize("environment", ENVIRONMENTS)
    def test_keeps_every_rule(self, environment: str) -> None:
        assert violations(Configuration(INFRASTRUCTURE, environment)) == []

    @pytest.mark.parametrize("mutation", UNSAFE, ids=lambda mutation: mutation.name)
    def test_is_seen_to_break_a_rule(self, mutation: Mutation, copy: Path) -> None:
        mutation.apply(copy)

        assert violations(Configuration(copy, "production"))

    def test_sets_in_each_environment_all_that_the_examples_set(self) -> None:
        examples = Configuration(INFRASTRUCTURE, "../terraform").values

        for environment in ENVIRONMENTS:
            assert examples.keys() <= Configuration(INFRASTRUCTURE, environment).values.keys()


class TestDagsterYaml:
    def test_finds_every_variable_it_asks_for(self) -> None:
        asked = set(_asked_for(yaml.safe_load((INFRASTRUCTURE / "dagster.yaml").read_text())))

        assert asked <= set(re.findall(r"\bDAGSTER_\w+", (INFRASTRUCTURE / "tasks.tf").read_text()))


class TestEntrypoint:
    def test_hands_over_files_and_then_becomes_the_command(self, tmp_path: Path) -> None:
        environment = {
            "PSP_DATABASE_CA_PEM": "certificate",
            "PGSSLROOTCERT": str(tmp_path / "ca.pem"),
            "PSP_DAGSTER_YAML": "telemetry: {enabled: false}\n",
            "DAGSTER_HOME": str(tmp_path / "dagster"),
        }

        answer = _enter(["printf", "%s;", "a b", "c"], environment=environment)

        assert answer.stdout == "a b;c;"
        assert (tmp_path / "ca.pem").read_text() == "certificate\n"
        assert (tmp_path / "dagster" / "dagster.yaml").read_text() == "telemetry: {enabled: false}\n"

    def test_ends_as_the_command_ends(self) -> None:
        assert _enter(["sh", "-c", "exit 3"], environment={}).returncode == 3


@needs_check
class TestTerraform:
    @pytest.mark.parametrize("environment", ENVIRONMENTS)
    def test_plans(self, environment: str) -> None:
        outcome = _check(INFRASTRUCTURE, f"-var-file=environments/{environment}.tfvars")

        assert outcome.returncode == 0, outcome.stdout

    @pytest.mark.parametrize("mutation", INVALID, ids=lambda mutation: mutation.name)
    def test_refuses(self, mutation: Mutation, copy: Path) -> None:
        mutation.apply(copy)

        assert _check(copy).returncode != 0


def _enter(command: list[str], *, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    script = (INFRASTRUCTURE / "modules/task/entrypoint.sh").read_text()
    return subprocess.run(
        ["/bin/sh", "-c", script, "psp", *command],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def _check(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*shlex.split(CHECK or ""), str(folder), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def _asked_for(value: object) -> list[str]:
    """Return every NAME of an {env: NAME} in it."""
    if isinstance(value, dict):
        if list(value) == ["env"]:
            return [value["env"]]
        return [name for item in value.values() for name in _asked_for(item)]
    return [name for item in value for name in _asked_for(item)] if isinstance(value, list) else []
