from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import dagster as dg
import pytest

from psp_core.adapters.alarms import LogAlarms, SnsAlarms, WebhookAlarms, alarms_to
from psp_core.bootstrap import Core
from psp_pipelines.definitions import definitions
from psp_pipelines.sensors.alarms import failed_check_alarm, failed_run_alarm
from tests.builders import SettableClock, a_submission
from tests.pipelines.operations import DUE_ON, run_job, settle
from tests.pipelines.webhook import Webhook, a_webhook


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with a_webhook() as webhook:
        yield webhook


@pytest.fixture
def alarmed_core(core: Core, webhook: Webhook) -> Core:
    return replace(core, settings=core.settings.model_copy(update={"alarm_url": webhook.url}))


def run_failure(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterEvent:
    [record] = instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.RUN_FAILURE).records
    assert record.event_log_entry.dagster_event
    return record.event_log_entry.dagster_event


class TestFailedRunAlarm:
    def test_says_what_the_run_said(self, alarmed_core: Core, webhook: Webhook, instance: dg.DagsterInstance) -> None:
        result = settle(alarmed_core, instance=instance)
        context = dg.build_run_status_sensor_context(
            sensor_name="failed_run_alarm",
            dagster_event=run_failure(instance, result.run_id),
            dagster_instance=instance,
            dagster_run=result.dagster_run,
            resources={"core": alarmed_core},
        ).for_run_failure()

        failed_run_alarm(context)

        [message] = webhook.received
        assert message["subject"] == "Run of settle_due_payables failed"
        assert message["detail"] == f"{DUE_ON} has not come yet: nothing is paid early"
        assert message["link"].endswith(f"/runs/{result.run_id}")


class TestFailedCheckAlarm:
    def test_tells_when_a_check_begins_to_fail_and_when_it_is_well_again(
        self, alarmed_core: Core, webhook: Webhook, clock: SettableClock, instance: dg.DagsterInstance
    ) -> None:
        core, cursor = alarmed_core, None
        run_job("watch", core, instance=instance)
        cursor = self.tick(core, instance, cursor)
        core.accept_transactions([a_submission()])
        clock.advance(minutes=2)
        for _ in range(2):
            run_job("watch", core, instance=instance)
            cursor = self.tick(core, instance, cursor)
        core.keep_relaying().run_until_empty()
        core.drain_queue()

        run_job("watch", core, instance=instance)
        self.tick(core, instance, cursor)

        assert webhook.subjects == [
            "Check fails: payables: outbox_not_stuck",
            "Check is well again: payables: outbox_not_stuck",
        ]

    @staticmethod
    def tick(core: Core, instance: dg.DagsterInstance, cursor: str | None) -> str | None:
        with dg.build_sensor_context(
            instance=instance, cursor=cursor, resources={"core": core}, definitions=definitions
        ) as context:
            return failed_check_alarm.evaluate_tick(context).cursor


class TestWebhookAlarms:
    def test_tries_again(self, webhook: Webhook) -> None:
        webhook.refusals = 2

        WebhookAlarms(webhook.url, first_delay_s=0.01).send(subject="s", text="t", link="l")

        assert webhook.subjects == ["s"]

    def test_gives_up_loudly(self, webhook: Webhook) -> None:
        webhook.refusals = 99

        with pytest.raises(OSError, match="503"):
            WebhookAlarms(webhook.url, first_delay_s=0.01).send(subject="s", text="t", link="l")


class TestAlarmsTo:
    def test_understands_each_address(self) -> None:
        assert alarms_to(None) == LogAlarms()
        assert alarms_to("https://example.com/x") == WebhookAlarms("https://example.com/x")
        assert alarms_to("sns:arn:aws:sns:sa-east-1:1:alarms") == SnsAlarms("arn:aws:sns:sa-east-1:1:alarms")

    def test_refuses_another_one(self) -> None:
        with pytest.raises(ValueError, match="PSP_ALARM_URL"):
            alarms_to("mailto:someone")
