from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from psp_core.scratch import open_scratch_folder, scratch_folder, sweep
from tests.waiting import wait_for

OWNER = "from psp_core.scratch import open_scratch_folder; print(open_scratch_folder('test')[0], flush=True); input()"


@pytest.fixture(autouse=True)
def temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def an_owner(temporary_folder: Path, *, code: str = OWNER) -> tuple[subprocess.Popen[str], Path]:
    owner = subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "TMPDIR": str(temporary_folder)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert owner.stdout is not None
    return owner, Path(owner.stdout.readline().strip())


def kill(owner: subprocess.Popen[str]) -> None:
    owner.kill()
    owner.communicate()


class TestSweep:
    def test_removes_the_folder_of_a_process_that_was_killed(self, temporary_folder: Path) -> None:
        owner, folder = an_owner(temporary_folder)
        (folder / "data").write_text("much")
        kill(owner)

        assert sweep("test") == [folder]
        assert not folder.exists()

    def test_leaves_that_of_a_process_that_runs(self, temporary_folder: Path) -> None:
        owner, folder = an_owner(temporary_folder)

        assert sweep("test") == []
        assert folder.exists()
        kill(owner)

    def test_leaves_it_while_a_fork_of_the_owner_runs(self, temporary_folder: Path) -> None:
        # The fork lives as long as its standard input does, which is that of the owner.
        code = OWNER.replace("input()", "import os; os.fork() and os._exit(0); input()")
        owner, folder = an_owner(temporary_folder, code=code)
        owner.wait(10)

        assert sweep("test") == []
        owner.communicate()
        assert wait_for(lambda: sweep("test"), within_s=10, what="the fork's end") == [folder]

    def test_leaves_other_kinds_and_what_is_just_being_made(self, temporary_folder: Path) -> None:
        (temporary_folder / "psp-test-new").mkdir()
        (temporary_folder / "psp-other-x").mkdir()
        (temporary_folder / "psp-other-x" / ".owner").touch()

        assert sweep("test") == []

    def test_happens_at_the_next_start(self, temporary_folder: Path) -> None:
        owner, left = an_owner(temporary_folder)
        kill(owner)

        folder, lock = open_scratch_folder("test")

        assert not left.exists()
        assert folder.exists()
        os.close(lock)


class TestScratchFolder:
    def test_is_gone_in_the_end(self) -> None:
        with scratch_folder("test") as folder:
            assert folder.is_dir()

        assert not folder.exists()
