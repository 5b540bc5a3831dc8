"""`psp drain` and `psp relay`, as a service manager runs them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from psp_core.bootstrap import Core
from psp_core.settings import Settings
from psp_local.ports import free_port
from tests.builders import a_submission
from tests.waiting import wait_for

PSP = Path(sys.executable).parent / "psp"


@contextmanager
def running(command: str, settings: Settings, **changes: str) -> Iterator[subprocess.Popen[str]]:
    environment = {
        **os.environ,
        "PSP_DATABASE_URL": settings.database_url.get_secret_value(),
        "PSP_SQS_ENDPOINT_URL": settings.sqs_endpoint_url or "",
        "PSP_SQS_QUEUE_NAME": settings.sqs_queue_name,
        "PSP_DRAIN_RECEIVE_WAIT_S": "1",
        "PYTHONUNBUFFERED": "1",
        **changes,
    }
    process = subprocess.Popen(
        [PSP, command], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


class TestServices:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    @pytest.mark.parametrize("command", ["drain", "relay"])
    def test_end_well_when_they_are_asked_to(
        self, core: Core, settings: Settings, command: str, number: signal.Signals
    ) -> None:
        core.accept_transactions([a_submission()])
        if command == "drain":
            core.relay_outbox()
        with running(command, settings) as process:
            wait_for(lambda: works(core, command), within_s=60, what=f"psp {command} works")

            process.send_signal(number)
            said, _ = process.communicate(timeout=60)

        assert process.returncode == 0, said
        assert said.strip().splitlines()[-1] == "psp: stopped, as it was asked to"

    def test_drain_keeps_what_it_has_in_hand_while_the_database_cannot_be_reached(
        self, core: Core, settings: Settings
    ) -> None:
        core.accept_transactions([a_submission()])
        core.relay_outbox()
        changes = {"PSP_DATABASE_LOCK_TIMEOUT_S": "1", "PSP_DRAIN_LINGER_S": "0"}
        engine = create_engine(settings.database_url.get_secret_value())
        with engine.begin() as rival:
            # The time zone is read, and then nothing is written.
            rival.exec_driver_sql("LOCK TABLE payables IN ACCESS EXCLUSIVE MODE")
            with running("drain", settings, **changes) as process:
                wait_for(lambda: core.queue.depth().in_flight == 1, within_s=60, what="the message is in hand")

                with pytest.raises(subprocess.TimeoutExpired):
                    process.wait(timeout=3)
                process.send_signal(signal.SIGTERM)
                said, _ = process.communicate(timeout=60)
        engine.dispose()

        assert process.returncode == 0, said
        assert said.strip().splitlines()[-1] == "psp: stopped, as it was asked to"

    @pytest.mark.parametrize("command", ["drain", "relay"])
    def test_begin_while_the_database_cannot_be_reached(self, core: Core, settings: Settings, command: str) -> None:
        with running(command, settings, PSP_DATABASE_URL=nowhere()) as process:
            assert process.stdout is not None

            assert process.stdout.readline() == "psp: the database did not answer in time; trying again\n"
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)

        assert process.returncode == 0


def nowhere() -> str:
    return f"postgresql+psycopg2://psp:psp@127.0.0.1:{free_port()}/psp"


def works(core: Core, command: str) -> bool:
    if command == "relay":
        with core.store.begin() as work:
            return work.outbox.depth(now=core.clock.now()).entries == 0
    return core.check_flow.strays().strays == [] and core.queue.depth().waiting == 0
