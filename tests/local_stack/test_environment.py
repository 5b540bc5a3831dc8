from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path
from types import MappingProxyType

import pytest
from sqlalchemy import URL, make_url

from psp_core.domain.access import PEPPER_LENGTH_MIN
from psp_local import LocalStackError
from psp_local.environment import (
    load_stack_environment,
    platform_variables,
    read_plan,
    shield,
    write_stack_environment,
)
from psp_local.postgres import EmbeddedPostgres
from psp_local.sqs import EmbeddedSqs
from tests.local_stack import owners

_DATABASE = make_url("postgresql+psycopg2://psp:it's $HOME@127.0.0.1:15432/psp")
_DAGSTER = _DATABASE.set(database="dagster")


def _write(root: Path, *, environ: dict[str, str] | None = None, database_url: URL = _DATABASE) -> dict[str, str]:
    plan = read_plan(environ or {}, root=root, data_dir=root / ".psp")
    plan.data_dir.mkdir(exist_ok=True)
    variables = platform_variables(
        plan,
        database={"PSP_DATABASE_URL": database_url.render_as_string(hide_password=False)},
        dagster_database_url=_DAGSTER,
        sqs_endpoint_url="http://127.0.0.1:14566",
    )
    write_stack_environment(plan, variables=variables)
    return variables


@pytest.fixture(autouse=True)
def _nothing_from_this_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PSP_DATA_DIR", "PSP_API_KEY_PEPPER", "PSP_OPERATIONS_URL"):
        monkeypatch.delenv(name, raising=False)


class TestTheEnvironmentFile:
    def test_gives_another_terminal_the_same_variables(self, tmp_path: Path) -> None:
        written = _write(tmp_path)

        assert written.items() <= load_stack_environment(tmp_path).items()

    def test_is_understood_by_a_shell(self, tmp_path: Path) -> None:
        written = _write(tmp_path)

        command = f'. {tmp_path}/.psp/env && printf %s "$DAGSTER_PG_PASSWORD"'
        said = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=True).stdout

        assert said == written["DAGSTER_PG_PASSWORD"] == "it's $HOME"

    def test_is_readable_by_its_owner_only(self, tmp_path: Path) -> None:
        _write(tmp_path)

        assert stat.S_IMODE((tmp_path / ".psp" / "env").stat().st_mode) == 0o600

    def test_is_empty_before_the_first_start(self, tmp_path: Path) -> None:
        assert load_stack_environment(tmp_path) == {}


class TestReadPlan:
    def test_embeds_everything_when_nothing_is_given(self, tmp_path: Path) -> None:
        plan = read_plan({}, root=tmp_path, data_dir=tmp_path / ".psp")

        assert plan.embedded == ["PSP_DATABASE_URL", "PSP_SQS_ENDPOINT_URL"]
        assert (plan.api_port, plan.web_port) == (3000, 3001)

    def test_takes_a_plain_postgres_url_for_psycopg2(self, tmp_path: Path) -> None:
        plan = read_plan({"PSP_DATABASE_URL": "postgresql://u:p@db:1/psp"}, root=tmp_path, data_dir=tmp_path)

        assert "PSP_DATABASE_URL" not in plan.embedded
        assert plan.database_url is not None
        assert plan.database_url.drivername == "postgresql+psycopg2"

    @pytest.mark.parametrize("given", [{"PSP_SQS": "aws"}, {"PSP_SQS_ENDPOINT_URL": "http://queue:1"}])
    def test_starts_no_queue_beside_one_that_is_given(self, given: dict[str, str], tmp_path: Path) -> None:
        assert read_plan(given, root=tmp_path, data_dir=tmp_path).embedded == ["PSP_DATABASE_URL"]

    def test_does_not_take_its_own_addresses_from_a_sourced_file_for_others(self, tmp_path: Path) -> None:
        sourced = _write(tmp_path)

        plan = read_plan(sourced, root=tmp_path, data_dir=tmp_path / ".psp")

        assert plan.embedded == ["PSP_DATABASE_URL", "PSP_SQS_ENDPOINT_URL"]

    def test_keeps_a_given_address_that_the_file_repeats(self, tmp_path: Path) -> None:
        given = {"PSP_DATABASE_URL": _DATABASE.render_as_string(hide_password=False)}
        sourced = _write(tmp_path, environ=given)

        assert "PSP_DATABASE_URL" not in read_plan(sourced, root=tmp_path, data_dir=tmp_path / ".psp").embedded

    @pytest.mark.parametrize("value", ["web", "0", "65536", "-1"])
    def test_refuses_a_port_that_is_none(self, value: str, tmp_path: Path) -> None:
        with pytest.raises(LocalStackError, match="PSP_API_PORT"):
            read_plan({"PSP_API_PORT": value}, root=tmp_path, data_dir=tmp_path)

    @pytest.mark.parametrize("value", ["nonsense", "postgresql://host-only"])
    def test_refuses_a_database_url_that_is_none_without_repeating_it(self, value: str, tmp_path: Path) -> None:
        with pytest.raises(LocalStackError, match="PSP_DATABASE_URL") as refusal:
            read_plan({"PSP_DATABASE_URL": value}, root=tmp_path, data_dir=tmp_path)

        assert value not in str(refusal.value)


class TestPlatformVariables:
    def test_hold_stand_in_credentials_for_the_embedded_queue_only(self, tmp_path: Path) -> None:
        embedded = _write(tmp_path)
        aws = _write(tmp_path, environ={"PSP_SQS": "aws"})

        assert embedded["AWS_ACCESS_KEY_ID"] == "local"
        assert "AWS_ACCESS_KEY_ID" not in aws

    def test_hold_one_pepper_from_start_to_start(self, tmp_path: Path) -> None:
        first, second = _write(tmp_path), _write(tmp_path)

        assert len(first["PSP_API_KEY_PEPPER"]) >= PEPPER_LENGTH_MIN
        assert first["PSP_API_KEY_PEPPER"] == second["PSP_API_KEY_PEPPER"]
        assert stat.S_IMODE((tmp_path / ".psp" / "api-key-pepper").stat().st_mode) == 0o600

    def test_hold_another_pepper_in_another_folder(self, tmp_path: Path) -> None:
        for name in ("one", "two"):
            (tmp_path / name).mkdir()

        one, two = _write(tmp_path / "one"), _write(tmp_path / "two")

        assert one["PSP_API_KEY_PEPPER"] != two["PSP_API_KEY_PEPPER"]

    def test_hold_the_pepper_that_is_given(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PSP_API_KEY_PEPPER", "given" * 10)

        assert _write(tmp_path)["PSP_API_KEY_PEPPER"] == "given" * 10
        assert not (tmp_path / ".psp" / "api-key-pepper").exists()

    def test_hold_no_pepper_for_a_database_of_somebody_elses(self, tmp_path: Path) -> None:
        given = {"PSP_DATABASE_URL": _DATABASE.render_as_string(hide_password=False)}

        assert "PSP_API_KEY_PEPPER" not in _write(tmp_path, environ=given)

    def test_say_where_dagster_is(self, tmp_path: Path) -> None:
        assert _write(tmp_path, environ={"PSP_WEB_PORT": "20001"})["PSP_OPERATIONS_URL"] == "http://127.0.0.1:20001"


class TestShield:
    HOSTILE = MappingProxyType(
        {
            "HTTP_PROXY": "http://127.0.0.1:1",
            "http_proxy": "http://127.0.0.1:1",
            "ALL_PROXY": "http://127.0.0.1:1",
            "NO_PROXY": "example.com",
            "AWS_PROFILE": "nobody",
            "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
            "AWS_CA_BUNDLE": "/nowhere",
            "AWS_SESSION_TOKEN": "secret",
            "PGSSLMODE": "require",
            "PGOPTIONS": "-c search_path=nowhere",
            "PGSERVICE": "nowhere",
            "PGHOSTADDR": "192.0.2.1",
        }
    )

    def test_lets_the_embedded_services_be_reached(self, postgres: EmbeddedPostgres, sqs: EmbeddedSqs) -> None:
        code = (
            "import os, sys, boto3, psycopg2, urllib.request\n"
            "from psp_local.environment import shield\n"
            "shield(os.environ, embedded=('PSP_DATABASE_URL', 'PSP_SQS_ENDPOINT_URL'))\n"
            "boto3.client('sqs', endpoint_url=sys.argv[1]).list_queues()\n"
            "urllib.request.urlopen(sys.argv[1] + '/_ministack/ready')\n"
            "psycopg2.connect(sys.argv[2])\n"
        )
        url = postgres.url().replace("+psycopg2", "")

        ended = subprocess.run(
            [sys.executable, "-c", code, sqs.endpoint_url, url],
            env={**owners.environment(), **self.HOSTILE},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

        assert ended.returncode == 0, ended.stderr

    def test_leaves_what_is_meant_for_services_of_somebody_else(self) -> None:
        environ = dict(self.HOSTILE)

        shield(environ, embedded=())

        changed = {name: value for name, value in environ.items() if self.HOSTILE.get(name) != value}
        assert changed == dict.fromkeys(("NO_PROXY", "no_proxy"), "example.com,127.0.0.1,localhost")
