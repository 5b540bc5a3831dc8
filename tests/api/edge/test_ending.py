"""The end of a worker under load: what is stored was answered, and what was not answered is not stored."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import httpx

from tests.api.bodies import a_body, everything
from tests.api.server import Api, api_program

CLIENTS = 8


class TestAWorkerThatEnds:
    def test_answers_everything_that_it_stores(
        self, api: Api, api_environment: dict[str, str], merchant: str, tmp_path: Path
    ) -> None:
        program, url = api_program(tmp_path, environment=api_environment)
        under_load = Barrier(CLIENTS + 1)

        def post_until_it_ends() -> int:
            with Api(url, api.core, program.log_file).client(merchant) as client:
                answered = 0
                try:
                    while client.post("/transactions", json=a_body()).status_code == 201:
                        answered += 1
                        if answered == 10:
                            under_load.wait()
                except httpx.TransportError:
                    pass
                return answered

        with ThreadPoolExecutor(CLIENTS) as threads:
            with program:
                running = [threads.submit(post_until_it_ends) for _ in range(CLIENTS)]
                under_load.wait()
            answered = sum(each.result() for each in running)

        with api.client(merchant) as client:
            assert len(everything(client, "/transactions?limit=200")) == answered
