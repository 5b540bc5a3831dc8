from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from psp_local import LocalStackError
from psp_local.ports import LOOPBACK, free_port, is_free, require_free, who_uses


@pytest.fixture
def busy_port() -> Iterator[int]:
    with socket.create_server((LOOPBACK, free_port())) as server:
        yield server.getsockname()[1]


class TestFreePort:
    def test_lies_below_those_that_linux_gives_to_outgoing_connections(self) -> None:
        assert all(1024 < free_port() < 32_768 for _ in range(50))

    def test_is_never_given_out_twice(self) -> None:
        ports = [free_port() for _ in range(50)]

        assert len(set(ports)) == len(ports)

    def test_is_never_given_out_by_two_processes_that_share_the_ports(self) -> None:
        code = (
            "from psp_local.ports import free_port, keep_to_share; "
            "keep_to_share(number={}, of=2); print(*{{free_port() % 2 for _ in range(50)}})"
        )

        given_out = [subprocess.check_output([sys.executable, "-c", code.format(number)]) for number in (0, 1)]

        assert given_out == [b"0\n", b"1\n"]


class TestBusyPort:
    def test_is_not_free(self, busy_port: int) -> None:
        assert not is_free(busy_port)

    def test_names_the_process_that_holds_it(self, busy_port: int) -> None:
        holder = who_uses(busy_port)

        assert holder is not None
        assert f"(pid {os.getpid()})" in holder

    def test_is_refused_in_one_sentence_that_says_what_to_do(self, busy_port: int) -> None:
        with pytest.raises(LocalStackError) as refusal:
            require_free(busy_port, purpose="the API", setting="PSP_API_PORT")

        sentence = str(refusal.value)
        assert "\n" not in sentence
        assert str(busy_port) in sentence
        assert str(os.getpid()) in sentence
        assert "PSP_API_PORT" in sentence

    def test_is_nobodys_once_it_is_closed(self) -> None:
        port = free_port()

        assert who_uses(port) is None
        assert is_free(port)
        require_free(port, purpose="the API", setting="PSP_API_PORT")
