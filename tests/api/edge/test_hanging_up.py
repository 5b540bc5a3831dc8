"""A client that hangs up: nobody works for it any longer, and its place is another's at once."""

from __future__ import annotations

import socket
import struct
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.api.bodies import a_body
from tests.api.edge.raw import connected, get, post
from tests.api.locks import PATIENT, locked, owners_url, waiting_for
from tests.api.server import Api, api_program, requests_in
from tests.waiting import wait_for

LIMITS = {**PATIENT, "PSP_API_WAITING_TRANSACTIONS_MAX": "1", "PSP_API_WAITING_READS_MAX": "1"}


def reset(connection: socket.socket) -> None:
    """Hang up for good: unlike an end alone, after which a client may still read, this says so to the other side."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class TestAClientThatHangsUp:
    @pytest.mark.parametrize("table", ["transactions", "payables"])
    def test_gives_its_place_away_and_is_logged(
        self, api: Api, api_environment: dict[str, str], tmp_path: Path, merchant: str, table: str
    ) -> None:
        database_url = owners_url(api)
        program, url = api_program(tmp_path, environment={**api_environment, **LIMITS, "PSP_API_READ_THREADS": "1"})
        own = Api(url, api.core, program.log_file)
        writes = table == "transactions"
        with program, own.client(merchant) as client, ThreadPoolExecutor(2) as pool:

            def ask() -> int:
                answer = client.post("/transactions", json=a_body()) if writes else client.get("/payables")
                return answer.status_code

            with locked(database_url, table):
                first = pool.submit(ask)
                wait_for(lambda: waiting_for(database_url, "psp_accept" if writes else table), within_s=30, what="it")
                with connected(own) as connection:
                    connection.sendall(post(merchant) if writes else get("/payables", merchant))
                    wait_for(lambda: ask() == 503, within_s=30, what="its place is taken")
                    reset(connection)
                wait_for(lambda: 499 in statuses(own), within_s=30, what="the request has ended")
                next_one = pool.submit(ask)
                assert 503 not in {future.result() for future in (first, next_one) if future.done()}

            assert [first.result(), next_one.result()] == [201 if writes else 200] * 2
            assert len(client.get("/transactions").json()) == (2 if writes else 0)


def statuses(api: Api) -> list[int]:
    return [line["status"] for line in requests_in(api)]
