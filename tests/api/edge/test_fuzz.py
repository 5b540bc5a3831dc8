"""Raw fuzz: requests cut, joined and spoilt by a seeded mutator, in pieces of any size, beside another parser.

`FUZZ_SECONDS=300 FUZZ_SEED=7 pytest tests/api/edge/test_fuzz.py` looks longer, and elsewhere.
"""

from __future__ import annotations

import os
import random
import time

import h11
import httpx
import pytest
from sqlalchemy import create_engine, text

from psp_core.settings import Settings
from tests.api.edge.corpus import CORPUS, mutated, pieces
from tests.api.edge.raw import Answer, answers_to
from tests.api.server import Api

SECONDS = float(os.environ.get("FUZZ_SECONDS", "8"))
SEED = int(os.environ.get("FUZZ_SEED", "20260310"))
REFUSALS = frozenset({400, 401, 404, 405, 408, 413, 414, 415, 417, 422, 431, 501, 505})


def requests_in(raw: bytes) -> int:
    """Return how many requests another parser, which forgives more, finds before it gives up."""
    server = h11.Connection(h11.SERVER, max_incomplete_event_size=100_000)
    server.receive_data(raw)
    found = 0
    try:
        while True:
            event = server.next_event()
            if type(event) is h11.Request:
                found += 1
            elif type(event) is h11.EndOfMessage:
                server.send(h11.Response(status_code=204, headers=[]))
                server.send(h11.EndOfMessage())
                server.start_next_cycle()
            elif event is h11.NEED_DATA or event is h11.PAUSED or type(event) is h11.ConnectionClosed:
                return found
    except (h11.RemoteProtocolError, h11.LocalProtocolError):
        return found


def count_transactions(settings: Settings) -> int:
    engine = create_engine(settings.database_url.get_secret_value())
    with engine.connect() as connection:
        counted: int = connection.execute(text("SELECT count(*) FROM transactions")).scalar_one()
    engine.dispose()
    return counted


def require_sane(answers: list[Answer], sent: bytes) -> None:
    for answer in answers:
        if answer.status >= 300 and answer.status != 304:
            assert answer.status in REFUSALS, (answer, sent)
            answer.require_problem(answer.status, answer.json["code"])
        assert "request-id" in answer.fields
    good = [answer for answer in answers if answer.fields.get("connection") != "close"]
    # The last may be a refusal of what is no request at all.
    assert len(good) <= requests_in(sent), (answers, sent)
    assert len(answers) <= len(good) + 1, (answers, sent)


@pytest.mark.timeout(SECONDS + 120)
class TestWhateverIsSent:
    def test_is_answered_once_or_refused_and_never_hangs(self, api: Api, api_settings: Settings) -> None:
        chance = random.Random(SEED)
        before = count_transactions(api_settings)
        ids: set[str] = set()
        tried = 0
        deadline_s = time.monotonic() + SECONDS
        while time.monotonic() < deadline_s:
            parts = chance.choices(list(CORPUS), k=chance.randint(1, 3))
            is_right = chance.random() < 0.2
            sent = b"".join(parts) if is_right else mutated(b"".join(parts), chance)
            answers = answers_to(api, *pieces(sent, chance))
            if is_right:
                assert [answer.status for answer in answers] == [CORPUS[part] for part in parts], sent
            require_sane(answers, sent)
            for answer in answers:
                if answer.status == 201:
                    rows = answer.json if isinstance(answer.json, list) else [answer.json]
                    ids.update(row["id"] for row in rows)
            tried += 1

        assert tried > 20 * SECONDS
        assert count_transactions(api_settings) == before + len(ids)
        assert '"level": "error"' not in api.log_file.read_text()
        assert httpx.get(f"{api.url}/health/live").status_code == 200
