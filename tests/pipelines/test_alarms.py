from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import dagster as dg
import pytest

from psp_core.adapters.alarms import LogAlarms, SnsAlarms, WebhookAlarms, alarms_to
from psp_core.bootstrap import Core
from psp_core.domain.kernel.errors import AlarmNotDelivered
from psp_pipelines.definitions import definitions
from psp_pipelines.operations.alarms import failed_run_alarm
from psp_pipelines.operations.check_alarm import failed_check_alarm
from psp_pipelines.operations.dead_runs import DEAD
from tests.builders import SettableClock, a_submission
from tests.pipelines.operations import DUE_ON, ended_as_cancelled, enqueue, run_job, settle
from tests.pipelines.webhook import Webhook, a_webhook


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with a_webhook() as webhook:
        yield webhook


@pytest.fixture
def alarmed_core(core: Core, webhook: Webhook) -> Core:
    return replace(core, settings=core.settings.model_copy(update={"alarm_url": webhook.url}))


def an_overdue_date(core: Core, clock: SettableClock) -> None:
    """Owe 33.25 to two merchants for more than a day."""
    enqueue(core, 2_500)
    enqueue(core, 1_000, customer_id="merchant-2")
    core.drain_queue()
    clock.advance(days=32)


class Sensor:
    """A sensor as the daemon evaluates it: with the cursor of the tick before."""

    def __init__(self, definition: dg.SensorDefinition, core: Core, instance: dg.DagsterInstance) -> None:
        self.definition = definition
        self.core = core
        self.instance = instance
        self.cursor: str | None = None

    def tick(self) -> str:
        """Evaluate it once, and return what it says."""
        with dg.build_sensor_context(
            instance=self.instance, cursor=self.cursor, resources={"core": self.core}, definitions=definitions
        ) as context:
            ticked = self.definition.evaluate_tick(context)
        self.cursor = ticked.cursor
        return ticked.skip_message or ""


class TestFailedRunAlarm:
    def test_says_what_the_run_said(self, alarmed_core: Core, webhook: Webhook, instance: dg.DagsterInstance) -> None:
        result = settle(alarmed_core, instance=instance)
        sensor = Sensor(failed_run_alarm, alarmed_core, instance)

        sensor.tick()
        sensor.tick()

        [message] = webhook.received
        assert message["subject"] == "Run of settle_due_payables failed"
        assert message["detail"] == (
            f"{DUE_ON} has not come yet: nothing is paid early\nDue dates: {DUE_ON}, which still owe nothing."
        )
        assert message["link"].endswith(f"/runs/{result.run_id}")

    def test_is_told_afterwards_in_order_and_once(
        self, alarmed_core: Core, webhook: Webhook, instance: dg.DagsterInstance
    ) -> None:
        sensor = Sensor(failed_run_alarm, alarmed_core, instance)
        first = settle(alarmed_core, instance=instance)
        webhook.refusals = 99
        assert "did not take the alarm" in sensor.tick()
        second = settle(alarmed_core, instance=instance, by_hand=True, reason="x")
        sensor.tick()
        webhook.refusals = 0

        sensor.tick()
        sensor.tick()

        assert [message["link"].rpartition("/")[2] for message in webhook.received] == [first.run_id, second.run_id]

    def test_is_silent_about_a_reason_that_was_forgotten(
        self, alarmed_core: Core, webhook: Webhook, instance: dg.DagsterInstance
    ) -> None:
        ended_as_cancelled(instance, lambda: settle(alarmed_core, instance=instance, by_hand=True))

        Sensor(failed_run_alarm, alarmed_core, instance).tick()

        assert webhook.received == []

    def test_goes_on_where_the_sensor_of_an_older_release_was(
        self, alarmed_core: Core, webhook: Webhook, instance: dg.DagsterInstance
    ) -> None:
        settle(alarmed_core, instance=instance)
        sensor = Sensor(failed_run_alarm, alarmed_core, instance)
        told = instance.fetch_run_status_changes(dg.DagsterEventType.RUN_FAILURE, limit=1).records[0].storage_id
        sensor.cursor = f'{{"__class__": "RunStatusSensorCursor", "record_id": {told}, "update_timestamp": null}}'

        sensor.tick()

        assert webhook.received == []

    def test_says_what_an_op_raised(self, alarmed_core: Core, webhook: Webhook, instance: dg.DagsterInstance) -> None:
        run_job(
            "repair",
            alarmed_core,
            instance=instance,
            run_config={"ops": {"repair_transactions": {"config": {"created_from": "yesterday"}}}},
        )

        Sensor(failed_run_alarm, alarmed_core, instance).tick()

        assert webhook.received[0]["detail"] == "ValueError: Invalid isoformat string: 'yesterday'"

    def test_says_why_a_run_was_ended_from_outside(
        self, alarmed_core: Core, webhook: Webhook, instance: dg.DagsterInstance
    ) -> None:
        run = instance.create_run_for_job(definitions.resolve_job_def("watch"), status=dg.DagsterRunStatus.STARTED)
        instance.report_run_failed(run, message=DEAD)

        Sensor(failed_run_alarm, alarmed_core, instance).tick()

        assert webhook.received[0]["detail"] == DEAD


class TestFailedCheckAlarm:
    def test_tells_when_a_check_begins_to_fail_and_when_it_is_well_again(
        self, alarmed_core: Core, webhook: Webhook, clock: SettableClock, instance: dg.DagsterInstance
    ) -> None:
        core, sensor = alarmed_core, Sensor(failed_check_alarm, alarmed_core, instance)
        run_job("watch", core, instance=instance)
        sensor.tick()
        core.accept_transactions([a_submission()])
        clock.advance(minutes=2)
        for _ in range(2):
            run_job("watch", core, instance=instance)
            sensor.tick()
        core.keep_relaying().run_until_empty()
        core.drain_queue()

        run_job("watch", core, instance=instance)
        webhook.refusals = 99
        sensor.tick()
        webhook.refusals = 0
        sensor.tick()

        assert webhook.subjects == [
            "Check fails: flow: outbox_not_stuck",
            "Check is well again: flow: outbox_not_stuck",
        ]

    def test_says_which_dates_owe_how_much_to_how_many_and_where_to_look(
        self, alarmed_core: Core, webhook: Webhook, clock: SettableClock, instance: dg.DagsterInstance
    ) -> None:
        an_overdue_date(alarmed_core, clock)

        run_job("watch", alarmed_core, instance=instance)
        Sensor(failed_check_alarm, alarmed_core, instance).tick()

        [message] = webhook.received
        assert message["subject"] == "Check fails: unpaid_dates: nothing_overdue"
        assert message["detail"].startswith(f"Overdue: BRL 33.25; merchants: 2; due dates (1): {DUE_ON}.")
        assert message["link"].endswith("/assets/unpaid_dates?view=checks")

    def test_comes_again_every_day_with_what_is_found_then(
        self, alarmed_core: Core, webhook: Webhook, clock: SettableClock, instance: dg.DagsterInstance
    ) -> None:
        core, sensor = alarmed_core, Sensor(failed_check_alarm, alarmed_core, instance)
        an_overdue_date(core, clock)
        for _ in range(9):
            run_job("watch", core, instance=instance)
            sensor.tick()
            clock.advance(days=0.25)
        core.settle_payables(due_on=date.fromisoformat(DUE_ON))

        run_job("watch", core, instance=instance)
        sensor.tick()
        sensor.tick()

        assert webhook.subjects == [
            "Check fails: unpaid_dates: nothing_overdue",
            *2 * ["Check still fails: unpaid_dates: nothing_overdue"],
            "Check is well again: unpaid_dates: nothing_overdue",
        ]
        assert "BRL 33.25" in webhook.received[2]["detail"]

    def test_forgets_a_check_that_there_is_no_more(
        self, alarmed_core: Core, webhook: Webhook, clock: SettableClock, instance: dg.DagsterInstance
    ) -> None:
        sensor = Sensor(failed_check_alarm, alarmed_core, instance)
        sensor.cursor = '{"after": null, "failing": ["payables: nothing_overdue", "settlement: books_balance"]}'

        assert sensor.tick() == "1 checks fail"
        clock.advance(days=2)
        sensor.tick()

        assert webhook.subjects == ["Check still fails: settlement: books_balance"]


class TestWebhookAlarms:
    def test_tries_again(self, webhook: Webhook) -> None:
        webhook.refusals = 2

        WebhookAlarms(webhook.url, first_delay_s=0.01).send(subject="s", text="t", link="l")

        assert webhook.subjects == ["s"]

    def test_gives_up_loudly(self, webhook: Webhook) -> None:
        webhook.refusals = 99

        with pytest.raises(AlarmNotDelivered, match="503"):
            WebhookAlarms(webhook.url, first_delay_s=0.01).send(subject="s", text="t", link="l")

    def test_lets_a_message_go_that_is_never_taken(self, webhook: Webhook, caplog: pytest.LogCaptureFixture) -> None:
        webhook.refusals, webhook.refusal_status = 1, 422
        alarms = WebhookAlarms(webhook.url, first_delay_s=0.01)

        alarms.send(subject="s", text="t", link="l")
        alarms.send(subject="next", text="t", link="l")

        assert webhook.subjects == ["next"]
        assert "s: t (l)" in caplog.text

    @pytest.mark.parametrize("status", [422, 503])
    def test_tell_nobody_the_address_which_is_all_that_one_needs_to_post(
        self, webhook: Webhook, caplog: pytest.LogCaptureFixture, status: int
    ) -> None:
        caplog.set_level("DEBUG")
        webhook.refusals, webhook.refusal_status = 1, status

        WebhookAlarms(webhook.url, first_delay_s=0.01).send(subject="s", text="t", link="l")

        assert str(status) in caplog.text
        assert "/hook" not in caplog.text


class TestAlarmsTo:
    def test_understands_each_address(self) -> None:
        assert alarms_to(None) == LogAlarms()
        assert alarms_to("https://example.com/x") == WebhookAlarms("https://example.com/x")
        assert alarms_to("sns:arn:aws:sns:sa-east-1:1:alarms") == SnsAlarms("arn:aws:sns:sa-east-1:1:alarms")

    def test_refuses_another_one(self) -> None:
        with pytest.raises(ValueError, match="PSP_ALARM_URL"):
            alarms_to("mailto:someone")
