"""What is written for people holds: the README's examples run as printed, and docs/api.md names tests that exist."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.api.bodies import a_body
from tests.api.server import ROOT, Api

README = (ROOT / "README.md").read_text()
TABLES = (ROOT / "docs" / "api.md").read_text()
TESTS = ROOT / "tests" / "api"
PRINTED_URL = "http://127.0.0.1:3000"
MERCHANT = "123"


def blocks(language: str, having: str) -> list[str]:
    found = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    return [block for block in found if having in block]


class TestTheReadme:
    def test_shows_a_client_in_python_that_works_as_printed(self, api: Api, tmp_path: Path) -> None:
        [program] = blocks("python", "import httpx")
        with api.client(MERCHANT) as client:
            before = len(client.get("/transactions?limit=200").json())
            program = program.replace(PRINTED_URL, api.url)

            subprocess.run([sys.executable, "-W", "error", "-c", program], cwd=tmp_path, check=True, timeout=60)

            assert len(client.get("/transactions?limit=200").json()) == before + 1

    def test_shows_curl_commands_that_work_as_printed(self, api: Api) -> None:
        [post, get] = blocks("sh", "curl")

        said = _run(post, api)
        listed = _run(get, api)

        assert "201 Created" in said
        created = json.loads(said[said.index("\n{") :])
        assert {**a_body(), "amount": 2500}.items() - {"card_verification_code": "123"}.items() >= {
            (name, created[name]) for name in ("description", "amount", "payment_method", "card_holder_name")
        }
        assert isinstance(json.loads(listed), list)


class TestTheTables:
    @pytest.mark.parametrize("name", sorted(set(re.findall(r"`([\w./]+/test_\w+\.py(?:::\w+)?)`", TABLES))))
    def test_name_files_and_classes_that_exist(self, name: str) -> None:
        path, _, subject = name.partition("::")

        assert f"class {subject}" in (TESTS / path).read_text()

    @pytest.mark.parametrize("name", sorted(set(re.findall(r"`((?:test_|Test)\w+)`", TABLES))))
    def test_name_tests_that_exist(self, name: str) -> None:
        assert any(re.search(rf"\b{name}\b", path.read_text()) for path in TESTS.rglob("test_*.py"))

    def test_name_a_test_for_every_convention(self) -> None:
        rows = [line for line in TABLES.splitlines() if line.startswith("| ") and "held by" not in line]

        assert [row for row in rows if "est" not in row.split(" | ")[-1] and "the same" not in row] == [
            "| --- | --- |"
        ] * TABLES.count("| --- | --- |")


def _run(command: str, api: Api) -> str:
    run = subprocess.run(
        ["bash", "-c", command.replace(PRINTED_URL, api.url)], capture_output=True, text=True, check=True, timeout=60
    )
    return run.stdout
