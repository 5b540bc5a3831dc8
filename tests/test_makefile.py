"""`make` in a fresh clone: it says what it can do and how far it is, and two at once make one virtual environment."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
COPIED = ("Makefile", "pyproject.toml", "deploy/one_at_a_time", "deploy/with_progress", "requirements")

# What takes long while the virtual environment is made says when it begins and ends, and installs nothing.
TOOL = """#!/bin/sh
echo "begin $$ $*" >>{log}
echo downloading what takes long
sleep 0.5
echo "end $$ $*" >>{log}
"""
PYTHON = """#!/bin/sh
if [ "$1 $2" = "-m venv" ]; then
    echo "begin $$ $*" >>{log}
    sleep 0.5
    mkdir -p .venv/bin && cp tool .venv/bin/pip && cp tool .venv/bin/uv
    echo "end $$ $*" >>{log}
else
    exec {python} "$@"
fi
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    for name in COPIED:
        source, target = ROOT / name, tmp_path / name
        target.parent.mkdir(exist_ok=True)
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
    for name, text in {"tool": TOOL, "python": PYTHON}.items():
        (tmp_path / name).write_text(text.format(log=tmp_path / "log", python=sys.executable))
        (tmp_path / name).chmod(0o755)
    return tmp_path


def make(clone: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["make", f"PYTHON={clone / 'python'}", ".venv/installed-local", *arguments],
        cwd=clone,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


class TestMakeTwiceAtOnce:
    def test_lets_the_second_wait_for_the_first(self, clone: Path) -> None:
        said = [run.communicate(timeout=60)[0] for run in [make(clone), make(clone)]]

        steps = (clone / "log").read_text().splitlines()
        assert len(steps) == 8, steps  # the environment, uv, the dependencies, the package: each once
        for begin, end in zip(steps[::2], steps[1::2], strict=True):
            assert end == begin.replace("begin", "end")
        assert "".join(said).count("waiting for it") == 1, said

    def test_does_nothing_when_all_is_there(self, clone: Path) -> None:
        make(clone).communicate(timeout=60)
        before = (clone / "log").read_text()

        said, _ = make(clone).communicate(timeout=60)

        assert (clone / "log").read_text() == before
        assert "waiting" not in said

    def test_says_when_there_is_no_python(self, clone: Path) -> None:
        ended = subprocess.run(
            ["make", "PYTHON=", ".venv/installed-local"], cwd=clone, capture_output=True, text=True, check=False
        )

        assert ended.returncode != 0
        assert "psp needs Python 3.11 or later" in ended.stdout


class TestMakeWhileItInstalls:
    def test_says_what_it_does_and_how_far_it_is(self, clone: Path) -> None:
        said, _ = make(clone, "PROGRESS_S=0.1").communicate(timeout=60)

        stages = ("Creating .venv", "Installing the ", "Installing psp itself")
        assert [stage for stage in stages for line in said.splitlines() if line.startswith(stage)] == list(stages)
        assert re.search(r"Installing the \d+ pinned dependencies of requirements/local\.lock", said)
        assert re.search(r"^  \d+ s: downloading what takes long$", said, re.MULTILINE), said

    def test_says_no_more_than_its_stages_when_they_are_short(self, clone: Path) -> None:
        said, _ = make(clone, "PROGRESS_S=60").communicate(timeout=60)

        assert "downloading" not in said

    def test_shows_why_it_cannot(self, clone: Path) -> None:
        (clone / "tool").write_text("#!/bin/sh\necho the index is gone\nexit 3\n")

        run = make(clone)
        said, _ = run.communicate(timeout=60)

        assert run.returncode != 0
        assert "the index is gone" in said
        assert not (clone / ".venv" / "installed-local").exists()

    def test_lets_pip_do_what_uv_cannot(self, clone: Path) -> None:
        (clone / "tool").write_text('#!/bin/sh\ncase "$0" in */uv) echo no such index; exit 3;; esac\n')

        said, _ = make(clone).communicate(timeout=60)

        assert "uv could not install them: pip does it" in said
        assert (clone / ".venv" / "installed-local").exists()


class TestMakeHelp:
    def test_says_a_sentence_for_every_target(self) -> None:
        makefile = (ROOT / "Makefile").read_text()
        [named] = re.findall(r"^\.PHONY: (run .*)$", makefile, re.MULTILINE)

        said = subprocess.check_output(["make", "--no-print-directory", "help"], cwd=ROOT, text=True)

        found = [re.fullmatch(r"make (\S+) +([A-Z].*\.)", line) for line in said.splitlines()]
        assert [match and match[1] for match in found] == named.split()


class TestTheLocks:
    @pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "requirements").glob("*.lock")))
    def test_name_a_hash_for_everything(self, name: str) -> None:
        text = (ROOT / "requirements" / name).read_text().replace("\\\n", " ")

        for line in text.splitlines():
            assert re.search(r"^[a-z0-9][^ ]*==.* --hash=sha256:[0-9a-f]{64}", line), line

    def test_are_all_that_is_installed_from(self) -> None:
        for name in ("Makefile", "Dockerfile"):
            for line in (ROOT / name).read_text().splitlines():
                if re.search(r"pip install|pip\" install", line) and "-e ." not in line and "--editable" not in line:
                    assert "--require-hashes" in line, line
                elif "-e ." in line or "--editable" in line:
                    assert "--no-build-isolation" in line, line
