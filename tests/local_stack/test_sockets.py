from __future__ import annotations

import stat
from pathlib import Path

import pytest

from psp_local import LocalStackError
from psp_local.private_folder import SOCKET_PATH_BYTES_MAX, close_to_others, socket_below


class TestSocketBelow:
    def test_is_in_the_data_folder(self) -> None:
        assert socket_below(Path("/data"), name="code.sock") == Path("/data/sockets/code.sock")

    def test_is_short_enough_and_the_folders_own_however_deep_that_is(self) -> None:
        deep, deeper = Path("/" + "d" * 200), Path("/" + "d" * 201)

        assert len(str(socket_below(deep, name="code.sock"))) <= SOCKET_PATH_BYTES_MAX
        assert socket_below(deep, name="code.sock") != socket_below(deeper, name="code.sock")


class TestCloseToOthers:
    def test_lets_nobody_else_in(self, tmp_path: Path) -> None:
        folder = tmp_path / "sockets"
        folder.mkdir(mode=0o755)

        close_to_others(folder)

        assert stat.S_IMODE(folder.stat().st_mode) == 0o700

    def test_refuses_a_folder_that_is_a_link(self, tmp_path: Path) -> None:
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "sockets").symlink_to(tmp_path / "elsewhere")

        with pytest.raises(LocalStackError):
            close_to_others(tmp_path / "sockets")
