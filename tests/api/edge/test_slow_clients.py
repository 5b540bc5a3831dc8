"""Who sends a byte now and then gets a time for the head and a rate for the body, and takes nobody else's place."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.api.bodies import create
from tests.api.edge.raw import BODY, Answer, connected, everything, post, split
from tests.api.server import Api, api_program

HEAD_TIMEOUT_S = 2.0
CONNECTIONS = 400
_GIVE_UP_S = 60


@pytest.fixture(scope="module")
def hasty(api: Api, api_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """An API that has little time; `PSP_API_BODY_BYTES_PER_S_MIN` is as it is set by default."""
    environment = {
        **api_environment,
        "PSP_API_HEAD_TIMEOUT_S": str(HEAD_TIMEOUT_S),
        "PSP_API_BODY_TIMEOUT_S": str(HEAD_TIMEOUT_S),
        "PSP_API_IDLE_TIMEOUT_S": str(HEAD_TIMEOUT_S),
    }
    program, url = api_program(tmp_path_factory.mktemp("hasty"), environment=environment)
    with program:
        yield Api(url, api.core, program.log_file)


def trickle(connections: list[socket.socket], *, byte: bytes, meanwhile: Callable[[], object]) -> list[bytes]:
    """Send a byte on each connection again and again until each was answered; return what they were."""
    answers: dict[socket.socket, bytes] = {}
    with selectors.DefaultSelector() as selector:
        for connection in connections:
            connection.setblocking(False)
            selector.register(connection, selectors.EVENT_READ)
        deadline_s = time.monotonic() + _GIVE_UP_S
        while len(answers) < len(connections) and time.monotonic() < deadline_s:
            for key, _ in selector.select(timeout=0.2):
                connection = key.fileobj  # type: ignore[assignment]
                answers[connection] = connection.recv(65_536)
                selector.unregister(connection)
            for connection in connections:
                if connection not in answers:
                    connection.send(byte)
            meanwhile()
    return list(answers.values())


class TestFourHundredSlowConnections:
    @pytest.mark.parametrize(
        ("beginning", "byte"),
        [
            (b"POST /transactions HTTP/1.1\r\nHost: psp\r\nx-slow: ", b"m"),
            (b"POST", b"T"),
            (post("slow", body=BODY[:10], length=len(BODY) + 10_000), b" "),
            (post("slow", "x: y", body=b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked"), b"0"),
        ],
        ids=["head", "request line", "body", "chunk"],
    )
    def test_are_told_408_while_others_are_served(
        self, hasty: Api, merchant: str, beginning: bytes, byte: bytes
    ) -> None:
        with ExitStack() as stack, hasty.client(merchant) as client:
            connections = [stack.enter_context(connected(hasty)) for _ in range(CONNECTIONS)]
            for connection in connections:
                connection.sendall(beginning)
            served = [create(client)]

            answers = trickle(connections, byte=byte, meanwhile=lambda: served.append(create(client)))

        assert len(served) > 2
        assert len(answers) == CONNECTIONS
        for raw in answers:
            [answer] = split(raw)
            answer.require_problem(408, "too_slow")
            assert answer.fields["connection"] == "close"


class TestABodyThatIsFastEnough:
    def test_may_take_longer_than_the_time_for_a_short_one(self, hasty: Api, merchant: str) -> None:
        body = BODY + b" " * 40_000
        pieces = [body[start : start + 2_500] for start in range(0, len(body), 2_500)]
        with connected(hasty) as connection:
            connection.sendall(post(merchant, "Connection: close", body=b"", length=len(body)))
            began_s = time.monotonic()
            for number, piece in enumerate(pieces):
                # Twice as fast as it must be, and together longer than the time-out.
                time.sleep(max(0, began_s + number * 0.3 - time.monotonic()))
                connection.sendall(piece)
            answers: list[Answer] = split(everything(connection))

        assert [answer.status for answer in answers] == [201]


class TestAnIdleConnection:
    @pytest.mark.parametrize("sent", [b"", post("idle")])
    def test_is_ended_without_a_word(self, hasty: Api, sent: bytes) -> None:
        with connected(hasty) as connection:
            connection.sendall(sent)
            answers = split(everything(connection))

        assert [answer.status for answer in answers] == ([201] if sent else [])
