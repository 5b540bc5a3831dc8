"""The configuration files: each loads, and the two dagster.yaml are equal where they should be."""

from __future__ import annotations

import subprocess
import sys
import uuid
from importlib import import_module
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from psp_local.postgres import EmbeddedPostgres
from psp_pipelines.definitions import definitions
from tests.pipelines.dagster_database import dagster_variables

ROOT = Path(__file__).parents[2]
LOCAL, AWS = ROOT, ROOT / "infrastructure"
AWS_ONLY = {"run_launcher", "compute_logs"}
VARIABLES = {
    "DAGSTER_LOG_BUCKET": "b",
    "DAGSTER_RUN_TASK_DEFINITION": "t",
    "DAGSTER_CODE_HOST": "h",
    "DAGSTER_CODE_PORT": "1",
    "DAGSTER_CODE_SOCKET": "/s",
}
HEAVY_MODULES = ["boto3", "pyarrow", "holidays", "psp_core.bootstrap", "dagster_aws"]

HEAVY_FOR_THE_CORE = ["boto3", "botocore", "httpx", "pyarrow", "holidays", "alembic", "opentelemetry", "dagster"]


def settings_in(folder: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((folder / "dagster.yaml").read_text())
    return loaded


class TestDagsterYaml:
    @pytest.mark.parametrize("folder", [LOCAL, AWS], ids=["local", "aws"])
    def test_is_accepted_by_dagster(
        self, folder: Path, postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        database = f"dagster_{uuid.uuid4().hex[:8]}"
        postgres.create_database(database)
        for name, value in (VARIABLES | dagster_variables(postgres.url(database))).items():
            monkeypatch.setenv(name, value)

        with dg.DagsterInstance.from_config(str(folder)) as instance:
            assert instance.get_settings("concurrency")["pools"]["granularity"] == "run"

    @pytest.mark.parametrize("part", ["run_launcher", "compute_logs", "run_coordinator"])
    def test_names_classes_that_take_their_configuration(self, part: str, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in VARIABLES.items():
            monkeypatch.setenv(name, value)
        settings = settings_in(AWS)[part]
        named = getattr(import_module(settings["module"]), settings["class"])

        @dg.op(config_schema=named.config_type())
        def part_of_dagster() -> None: ...

        @dg.job
        def whole() -> None:
            part_of_dagster()

        assert dg.validate_run_config(whole, {"ops": {"part_of_dagster": {"config": settings["config"]}}})

    def test_is_equal_in_both_places_but_for_where_runs_start(self) -> None:
        local, aws = settings_in(LOCAL), settings_in(AWS)

        assert {name: part for name, part in aws.items() if name not in AWS_ONLY} == local

    def test_limits_drains_as_the_settings_do(self) -> None:
        from psp_core.settings import Settings

        [limit] = settings_in(LOCAL)["concurrency"]["runs"]["tag_concurrency_limits"]

        assert limit["limit"] == Settings.model_fields["drain_runs_max"].default


class TestDefinitions:
    def test_can_all_be_resolved(self) -> None:
        definitions.validate_loadable(definitions)

    def test_let_every_run_be_one_process(self) -> None:
        assert {job.executor_def.name for job in definitions.resolve_all_job_defs()} == {"in_process"}

    def test_tell_operators_what_everything_is_for(self) -> None:
        repository = definitions.get_repository_def()
        checks = [
            (key.name, repository.asset_graph.get(key).description) for key in repository.asset_graph.asset_check_keys
        ]
        told = [
            *((schedule.name, schedule.description) for schedule in repository.schedule_defs),
            *((sensor.name, sensor.description) for sensor in repository.sensor_defs),
            *((job.name, job.description) for job in repository.get_all_jobs() if not job.name.startswith("__")),
            *checks,
        ]

        assert {name for name, description in told if not description} == set()
        assert len(told) >= 23

    def test_describe_every_asset_and_name_its_owner(self) -> None:
        for spec in definitions.resolve_all_asset_specs():
            assert spec.description
            assert spec.owners
            assert spec.group_name in {"intake", "settlement", "ledger", "operations"}
            assert spec.kinds

    @pytest.mark.parametrize(
        ("imported", "not_needed"),
        [
            ("psp_pipelines.definitions", HEAVY_MODULES),
            ("psp_core.bootstrap", HEAVY_FOR_THE_CORE),
            ("psp_core.cli.commands", HEAVY_FOR_THE_CORE),
        ],
    )
    def test_import_nothing_that_a_run_or_a_command_may_not_need(self, imported: str, not_needed: list[str]) -> None:
        code = f"import sys, {imported}; print([m for m in {not_needed} if m in sys.modules])"

        loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)

        assert loaded.stdout.strip() == "[]"
