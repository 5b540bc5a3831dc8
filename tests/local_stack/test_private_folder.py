from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from psp_local import LocalStackError
from psp_local.ports import free_port
from psp_local.postgres import THROWAWAY_SETTINGS, EmbeddedPostgres
from psp_local.private_folder import make_private
from tests.folders import open_folder


@pytest.fixture(autouse=True)
def _umask_as_usual() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def folder() -> Iterator[Path]:
    with open_folder() as parent:
        yield parent / ".psp"


def _modes(folder: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.rglob("*"))}


class TestMakePrivate:
    def test_closes_the_folder_and_what_is_written_from_now_on(self, folder: Path) -> None:
        make_private(folder)
        (folder / "logs").mkdir()
        (folder / "logs" / "api.log").write_text("a line")

        assert _modes(folder) == {".psp": 0o700, "logs": 0o700, "api.log": 0o600}

    def test_lets_nobody_in_where_an_earlier_version_did(self, folder: Path) -> None:
        folder.mkdir(mode=0o755)
        (folder / "env").touch(mode=0o644)

        make_private(folder)

        assert stat.S_IMODE(folder.stat().st_mode) == 0o700

    def test_leaves_a_folder_alone_that_holds_something_else(self, folder: Path) -> None:
        folder.mkdir(mode=0o755)
        (folder / "photo.jpg").touch()

        with pytest.raises(LocalStackError, match="PSP_DATA_DIR"):
            make_private(folder)

        assert _modes(folder) == {".psp": 0o755, "photo.jpg": 0o644}

    def test_lets_postgres_still_reach_data_that_was_there_before(self, folder: Path) -> None:
        (folder / "logs").mkdir(parents=True)
        with EmbeddedPostgres(folder / "postgres", free_port(), settings=THROWAWAY_SETTINGS) as before:
            before.create_database("kept")

        make_private(folder)
        with EmbeddedPostgres(folder / "postgres", free_port(), settings=THROWAWAY_SETTINGS) as after:
            engine = create_engine(after.url("kept"))
            with engine.connect() as connection:
                assert connection.exec_driver_sql("SELECT 1").scalar() == 1
            engine.dispose()

            data = after.data_folder
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
            assert stat.S_IMODE(data.stat().st_mode) == 0o700
        shutil.rmtree(data)
