"""The AWS configuration is what `infrastructure/promises.md` says, and whatever breaks a row of it is seen."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.infrastructure.mutations import Mutation, all_mutations
from tests.infrastructure.promises.tables import differences, read
from tests.infrastructure.promises.variants import ENVIRONMENTS, REFUSED, all_tables
from tests.infrastructure.terraform.functions import EvaluationError
from tests.infrastructure.terraform.plan import Files, plan, read_files
from tests.infrastructure.terraform.syntax import parse, source_of

INFRASTRUCTURE = Path(__file__).parents[2] / "infrastructure"
PROMISED = read((INFRASTRUCTURE / "promises.md").read_text())
# Read before the session's fixtures take every PSP_* variable away.
CHECK = os.environ.get("PSP_TERRAFORM_CHECK")

needs_check = pytest.mark.skipif(
    not CHECK, reason="PSP_TERRAFORM_CHECK names no command that validates and plans a folder with the AWS provider"
)


class Invalid(NamedTuple):
    """What only Terraform, which knows the provider's schema, can see."""

    file: str
    old: str
    new: str


INVALID = [
    Invalid("modules/queue/main.tf", "receive_wait_time_seconds ", "receive_wait_time_secs "),
    Invalid("modules/service/main.tf", "deployment_circuit_breaker {", "deployment_circuit_braker {"),
    Invalid("modules/database/main.tf", "monitoring_interval                   = 60", 'monitoring_interval = "often"'),
]


@pytest.fixture(scope="module")
def files() -> Files:
    return read_files(INFRASTRUCTURE)


def broken_promises(files: Files, *, of: str | None = None) -> list[str]:
    """Return what is not as promised, of all tables or of those that are made with the one named; a refusal counts."""
    try:
        tables = all_tables(files, of=of)
    except EvaluationError as refusal:
        return [f"{REFUSED}: {refusal}"]
    titles = {table.title for table in tables}
    promised = {title: rows for title, rows in PROMISED.items() if of is None or title in titles}
    return differences(promised, tables)


class TestConfiguration:
    def test_is_what_the_page_promises(self, files: Files) -> None:
        assert broken_promises(files) == []

    @pytest.mark.parametrize("mutation", all_mutations(), ids=str)
    def test_breaks_the_row_that_a_mutation_is_about(self, mutation: Mutation, files: Files) -> None:
        broken = broken_promises(mutation.applied_to(files), of=mutation.table)

        rows = [line.replace("\\*", "*") for line in broken if line.startswith(f"{mutation.table}:")]
        assert any(mutation.broken in row for row in rows), broken

    def test_has_a_refusal_for_values_that_make_no_environment(self, files: Files) -> None:
        path = "environments/staging.tfvars"
        laptop = {**files, path: files[path].replace('"staging"', '"laptop"')}

        with pytest.raises(EvaluationError, match="environment is staging or production"):
            plan(laptop, "staging")

    def test_sets_in_each_environment_all_that_the_examples_set(self, files: Files) -> None:
        examples = parse(files["terraform.tfvars"]).arguments

        for environment in ENVIRONMENTS:
            assert examples.keys() <= parse(files[f"environments/{environment}.tfvars"]).arguments.keys()

    def test_explains_and_defends_every_variable(self, files: Files) -> None:
        for path, text in files.items():
            for variable in parse(text).of_kind("variable") if path.endswith(".tf") else ():
                assert "description" in variable.body.arguments, f"{path}: {variable.labels}"
                checked = [*variable.body.of_kind("validation")]
                assert checked or source_of(variable.body.arguments["type"]) == "bool", f"{path}: {variable.labels}"

    def test_has_no_file_that_is_too_long_to_read(self, files: Files) -> None:
        assert [path for path, text in files.items() if len(text.splitlines()) > 300] == []


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
    def test_plans_as_many_resources_as_the_tables_tell_of(self, environment: str, files: Files) -> None:
        resources = [it for it in plan(files, environment).resources if not it.kind.startswith("data.")]

        outcome = _check(INFRASTRUCTURE, f"-var-file=environments/{environment}.tfvars")

        assert outcome.returncode == 0, outcome.stdout
        assert re.findall(r"Plan: (\d+) to add", outcome.stdout) == [str(len(resources))]

    @pytest.mark.parametrize("invalid", INVALID, ids=lambda invalid: invalid.new)
    def test_refuses(self, invalid: Invalid, tmp_path: Path) -> None:
        ignored = shutil.ignore_patterns(".terraform")
        copy = shutil.copytree(INFRASTRUCTURE, tmp_path / "infrastructure", ignore=ignored)
        text = (copy / invalid.file).read_text()
        assert invalid.old in text
        (copy / invalid.file).write_text(text.replace(invalid.old, invalid.new, 1))

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
