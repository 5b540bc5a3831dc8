from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from psp_core.bootstrap import Core
from psp_core.settings import CalendarSettings, Settings, SettingsRefused, load
from tests.api.server import api_program
from tests.builders import a_submission

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent


@pytest.fixture
def environment(settings: Settings) -> dict[str, str]:
    return {
        **os.environ,
        "PSP_DATABASE_URL": settings.database_url.get_secret_value(),
        "PSP_SQS_ENDPOINT_URL": str(settings.sqs_endpoint_url),
        "PSP_SQS_QUEUE_NAME": settings.sqs_queue_name,
        "PYTHONPATH": str(ROOT),
    }


def said_by(command: list[str], environment: dict[str, str]) -> str:
    """Run a program that refuses to start, and return the one sentence that it says."""
    ended = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1, ended.stderr
    lines = [line for line in ended.stderr.splitlines() if line.startswith(("psp", "Error:"))]
    assert "Traceback" not in ended.stderr, ended.stderr
    assert len(lines) == 1, ended.stderr
    return lines[0]


A_RUN = """
from psp_pipelines.definitions import definitions
definitions.resolve_job_def("drain_payables").execute_in_process()
"""
PROGRAMS = {
    "cli": [str(BIN / "psp"), "check-books"],
    "migrate": [str(BIN / "psp"), "migrate"],
    "api": [str(BIN / "gunicorn"), "-c", "psp_api/gunicorn_conf.py", "psp_api.main:create_app()"],
}


UNITS = {
    "_s": "seconds",
    "_minutes": "minutes",
    "_minute": "a minute",
    "_days": "days",
    "_bytes_max": "bytes",
    "_transactions_max": "transactions",
}


class TestSettings:
    @pytest.mark.parametrize("name", Settings.model_fields)
    def test_are_each_described_in_their_unit(self, name: str) -> None:
        description = Settings.model_fields[name].description or ""

        assert description[:1].isupper()
        assert all(unit in description.lower() for ending, unit in UNITS.items() if name.endswith(ending))


class TestLoad:
    @pytest.mark.parametrize(
        "zone", ["Brazil/Sao_Paulo", "localtime", "", "../etc/passwd", "utc", "Factory", "posixrules"]
    )
    def test_refuses_what_is_no_time_zone_in_one_sentence(self, zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PSP_TIME_ZONE", zone)

        with pytest.raises(SettingsRefused) as refusal:
            load(CalendarSettings)

        assert str(refusal.value) == (
            f"PSP_TIME_ZONE: {zone!r} is no time zone; one is called like America/Sao_Paulo, or UTC"
        )

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("PSP_API_WORKERS", "many"),
            ("PSP_REPORTS_URL", "ftp://somewhere"),
            ("PSP_ALARM_URL", "somewhere"),
            ("PSP_SQS_ENDPOINT_URL", "nowhere"),
            ("PSP_CLOCK_START", "2026-03-10T12:00:00"),
            ("PSP_FIRST_DUE_DATE", "tomorrow"),
            ("PSP_SETTLEMENT_TIME", "25:00"),
        ],
    )
    def test_names_the_variable(self, name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PSP_DATABASE_URL", "postgresql+psycopg2://psp:secret@localhost/psp")
        monkeypatch.setenv(name, value)

        with pytest.raises(SettingsRefused, match=f"^{name}: ") as refusal:
            load(Settings)

        assert "\n" not in str(refusal.value)
        assert "secret" not in str(refusal.value)


class TestEveryProgram:
    @pytest.mark.parametrize("program", PROGRAMS)
    def test_refuses_what_is_no_time_zone(self, program: str, environment: dict[str, str]) -> None:
        said = said_by(PROGRAMS[program], environment | {"PSP_TIME_ZONE": "Brazil/Sao_Paulo"})

        assert "'Brazil/Sao_Paulo' is no time zone" in said

    @pytest.mark.parametrize("program", PROGRAMS)
    def test_refuses_another_time_zone_than_that_of_the_due_dates(
        self, program: str, core: Core, environment: dict[str, str]
    ) -> None:
        core.time_zone.keep()
        core.accept_transactions([a_submission()])

        said = said_by(PROGRAMS[program], environment | {"PSP_TIME_ZONE": "Asia/Tokyo"})

        assert "PSP_TIME_ZONE is Asia/Tokyo, but this database's due dates are days of UTC" in said
        core.keep_relaying().run_until_empty()
        core.drain_queue()

    def test_loads_no_pipelines_for_what_is_no_time_zone(self, environment: dict[str, str]) -> None:
        loaded = subprocess.run(
            [sys.executable, "-c", "import psp_pipelines.definitions"],
            env=environment | {"PSP_TIME_ZONE": "Brazil/Sao_Paulo"},
            capture_output=True,
            text=True,
            check=False,
        )

        assert loaded.stderr.splitlines()[-1].startswith(
            "psp_core.settings.SettingsRefused: PSP_TIME_ZONE: 'Brazil/Sao_Paulo' is no time zone"
        )

    def test_lets_no_run_touch_due_dates_of_another_time_zone(self, core: Core, environment: dict[str, str]) -> None:
        core.time_zone.keep()

        run = subprocess.run(
            [sys.executable, "-c", A_RUN],
            env=environment | {"PSP_TIME_ZONE": "Asia/Tokyo"},
            capture_output=True,
            text=True,
            check=False,
        )

        assert run.returncode == 1, run.stderr
        assert "PSP_TIME_ZONE is Asia/Tokyo, but this database's due dates are days of UTC" in run.stderr

    def test_starts_the_api_without_its_database(self, environment: dict[str, str], tmp_path: Path) -> None:
        gone = environment | {"PSP_DATABASE_URL": "postgresql+psycopg2://psp:x@127.0.0.1:1/psp"}

        api, _ = api_program(tmp_path, environment=gone)

        with api:
            assert api.is_ready()
