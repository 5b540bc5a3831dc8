"""What operators press when messages died or were lost, in the real web interface. Slow: a minute or so each."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from psp_core.bootstrap import Core, build_core
from psp_core.domain.kernel.paging import Page
from psp_core.domain.payables import PayableFilter
from psp_core.settings import Settings
from tests.builders import SettableClock, a_new_transaction, a_submission
from tests.pipelines.browser.operator import PATIENCE_S, Operator
from tests.reach import postgres
from tests.waiting import wait_for

pytestmark = pytest.mark.timeout(900)

REDRIVE = """ops:
  redrive_dead_letters:
    config:
      reason: The consumer is mended
"""
REPAIR = """ops:
  repair_transactions:
    config:
      reason: The queue was rebuilt
"""


@pytest.fixture
def core(missed_year: Settings) -> Core:
    return build_core(missed_year)


def accept_unsent(core: Core, *, customer_id: str) -> str:
    """Accept a transaction, an hour ago, whose message is never sent; return its id."""
    an_hour_ago = SettableClock(datetime.now(UTC) - timedelta(hours=1))
    transaction = a_new_transaction(customer_id=customer_id)
    replace(core, clock=an_hour_ago).accept_transactions([a_submission(transaction)])
    with postgres(core.store).engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM outbox")
        return str(
            connection.exec_driver_sql("SELECT id FROM transactions WHERE customer_id = %s", (customer_id,)).scalar()
        )


def has_payable(core: Core, customer_id: str) -> bool:
    # The relay is the API's, which does not run here.
    core.keep_relaying().run_until_empty()
    return bool(core.read_merchant.payables(customer_id, where=PayableFilter(), page=Page()))


def newest_reason(core: Core) -> str:
    [action] = core.record_operator_action.newest(limit=1)
    return action.reason


class TestOperator:
    def test_lists_dead_letters_and_redrives_them(self, operator: Operator, core: Core) -> None:
        id = accept_unsent(core, customer_id="dead-letter")
        queue: Any = core.queue
        url = queue.client.get_queue_url(QueueName=queue.settings.dead_letter_queue_name)["QueueUrl"]
        queue.client.send_message(QueueUrl=url, MessageBody=f'{{"v": 1, "transaction_ids": ["{id}"]}}')

        operator.materialize("dead_letters")
        operator.finds("/assets/dead_letters", id)
        operator.photograph("dead-letters")
        operator.launch("redrive", config=REDRIVE)

        wait_for(lambda: core.queue.dead_letter_depth().waiting == 0, within_s=PATIENCE_S, what="an empty queue")
        wait_for(lambda: has_payable(core, "dead-letter"), within_s=PATIENCE_S, what="the payable")
        assert newest_reason(core) == "The consumer is mended"

    def test_repairs_what_was_lost(self, operator: Operator, core: Core) -> None:
        accept_unsent(core, customer_id="lost")

        operator.launch("repair", config=REPAIR)

        wait_for(lambda: newest_reason(core) == "The queue was rebuilt", within_s=PATIENCE_S, what="the repair")
        wait_for(lambda: has_payable(core, "lost"), within_s=PATIENCE_S, what="the payable")
