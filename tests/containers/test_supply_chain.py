"""The workflow's check of the base images; whether they have digests is the workflow's to say, not this machine's."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DIGEST = f"@sha256:{'0' * 64}"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    (tmp_path / ".ci").mkdir()
    for name in (".ci/supply-chain", "Dockerfile", "docker-compose.yml"):
        shutil.copy(ROOT / name, tmp_path / name)
        text = (tmp_path / name).read_text()
        for image in ("python:3.13-slim-trixie", "postgres:18-trixie", "nginx:1.30"):
            text = text.replace(f"{image}\n", f"{image}{DIGEST}\n").replace(f"{image} AS", f"{image}{DIGEST} AS")
        (tmp_path / name).write_text(text)
    return tmp_path


def checked(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([folder / ".ci/supply-chain", "images"], capture_output=True, text=True, check=False)


class TestImages:
    def test_takes_those_with_a_digest(self, copy: Path) -> None:
        ended = checked(copy)

        assert ended.returncode == 0, ended.stderr

    @pytest.mark.parametrize("name", ["Dockerfile", "docker-compose.yml"])
    @pytest.mark.parametrize("broken", ["", "@sha256:0"])
    def test_names_one_without(self, name: str, broken: str, copy: Path) -> None:
        text = (copy / name).read_text()
        (copy / name).write_text(text.replace(DIGEST, broken, 1))

        ended = checked(copy)

        assert ended.returncode == 1
        assert len(ended.stderr.strip().splitlines()) == 2
