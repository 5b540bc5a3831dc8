from __future__ import annotations

import json
import subprocess
import sys
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from psp_core.domain.intake.cards import holds_card_data
from psp_core.observability import MASK, scrub
from tests.disguises import disguises


class TestScrub:
    @pytest.mark.parametrize(
        "text",
        [
            "4111111111111111",
            "4111 1111 1111 1111",
            "pan=4111-1111-1111-1111;",
            "card:378282246310005",
            "id-4111111111111111",
        ],
    )
    def test_removes_what_passes_for_a_card_number(self, text: str) -> None:
        cleaned = scrub({"deep": [text]})["deep"][0]

        assert MASK in cleaned
        assert "1111" not in cleaned
        assert "0005" not in cleaned

    @pytest.mark.parametrize("text", disguises(), ids=ascii)
    def test_removes_what_validation_would_refuse(self, text: str) -> None:
        assert not holds_card_data(json.dumps(scrub({text: [text]}), ensure_ascii=False))

    @given(st.uuids())
    def test_keeps_ids(self, id: uuid.UUID) -> None:
        assert scrub(str(id)) == str(id)

    def test_keeps_amounts_and_times(self) -> None:
        event = {"amount_minor": 250_000, "at": "2026-03-10T12:00:00.000Z", "ok": True, "none": None}

        assert scrub(event) == event

    def test_removes_a_number_that_is_an_integer(self) -> None:
        assert scrub({"value": 4111111111111111}) == {"value": MASK}
        assert scrub({"value": 4111111111111111.0}) == {"value": MASK}


class TestConfigureLogging:
    def test_cleans_libraries_messages_and_tracebacks_too(self) -> None:
        program = """
import logging
from psp_core.observability import configure_logging, get_logger
from psp_core.settings import Settings
configure_logging(Settings(database_url="x"))
logging.getLogger("library").warning("sent %s", "4111111111111111")
get_logger("ours").info("accepted", card="4111 1111 1111 1111", merchant="m")
try:
    int("4111-1111-1111-1111")
except ValueError:
    get_logger("ours").exception("failed")
"""
        output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stderr

        lines = [json.loads(line) for line in output.splitlines()]
        assert [line["event"] for line in lines] == [f"sent {MASK}", "accepted", "failed"]
        assert lines[1]["merchant"] == "m"
        assert "ValueError" in lines[2]["exception"]
        assert "1111" not in output
