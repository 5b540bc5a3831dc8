"""More connections than a worker takes: who is idle gives way, and where nobody is, the new one is refused."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.api.edge.raw import BODY, connected, everything, get, post, split
from tests.api.server import Api, api_program

CONNECTIONS_MAX = 20


@pytest.fixture
def small(api: Api, api_environment: dict[str, str], tmp_path: Path) -> Iterator[Api]:
    """An API of one worker that takes few connections."""
    environment = {**api_environment, "PSP_API_CONNECTIONS_MAX": str(CONNECTIONS_MAX)}
    program, url = api_program(tmp_path, environment=environment)
    with program:
        yield Api(url, api.core, program.log_file)


def begin(connection: socket.socket) -> None:
    """Have a request under way: its head is read, and its body is waited for."""
    connection.sendall(post("many", "Expect: 100-continue", body=b"", length=len(BODY)))
    assert connection.recv(65_536).startswith(b"HTTP/1.1 100 ")


def ask(connection: socket.socket) -> None:
    connection.sendall(get("/payables", "many"))
    assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")


class TestTooManyConnections:
    def test_are_told_503_while_the_others_are_served(self, small: Api) -> None:
        with ExitStack() as stack:
            busy = [stack.enter_context(connected(small)) for _ in range(CONNECTIONS_MAX)]
            for connection in busy:
                begin(connection)
            refused = stack.enter_context(connected(small))
            [answer] = split(everything(refused))
            for connection in busy:
                connection.sendall(BODY)
            statuses = [connection.recv(65_536).split(b" ", 2)[1] for connection in busy]

        answer.require_problem(503, "overloaded")
        assert answer.fields["connection"] == "close"
        assert "retry-after" in answer.fields
        assert statuses == [b"201"] * CONNECTIONS_MAX

    def test_make_room_by_the_end_of_those_that_are_idle(self, small: Api) -> None:
        with ExitStack() as stack:
            idle = [stack.enter_context(connected(small)) for _ in range(CONNECTIONS_MAX)]
            for connection in idle:
                ask(connection)
            # The first is not the longest idle one any more.
            ask(idle[0])

            for _ in range(2):
                new = stack.enter_context(connected(small))
                ask(new)

            assert [connection.recv(1) for connection in idle[1:3]] == [b"", b""]
            for connection in (idle[0], *idle[3:]):
                ask(connection)

    def test_are_ended_without_a_word_when_too_many_are_told(self, small: Api) -> None:
        with ExitStack() as stack:
            for _ in range(CONNECTIONS_MAX):
                begin(stack.enter_context(connected(small)))
            refused = [stack.enter_context(connected(small)) for _ in range(CONNECTIONS_MAX)]

            heard = []
            for connection in refused:
                try:
                    heard.append(everything(connection))
                except ConnectionResetError:
                    heard.append(b"")

        assert any(heard)
        assert not all(heard)
