"""Where alarms go: a webhook, an SNS topic, or the log alone."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

from psp_core.domain.kernel.errors import AlarmNotDelivered
from psp_core.ports.operations import Alarms

_ATTEMPTS = 3
_TIMEOUT_S = 5
_SUBJECT_LENGTH_MAX = 100
_SNS = "sns:"
_NEVER_TAKEN = frozenset({400, 413, 422})
"""Answers about this very message: sent again, it would keep every later one from being told."""
_log = logging.getLogger(__name__)
# It would write the webhook's address into the log, and who knows that may post.
logging.getLogger("httpx").setLevel(logging.WARNING)


def alarms_to(url: str | None) -> Alarms:
    """Return where alarms go for `https://…`, `sns:TOPIC_ARN` or None. Raises ValueError for another address."""
    if url is None:
        return LogAlarms()
    if url.startswith(_SNS):
        return SnsAlarms(url.removeprefix(_SNS))
    if url.startswith(("https://", "http://")):
        return WebhookAlarms(url)
    raise ValueError("PSP_ALARM_URL is https://… or sns:TOPIC_ARN")


@dataclass(frozen=True, slots=True)
class LogAlarms:
    def send(self, *, subject: str, text: str, link: str) -> None:
        _log.error("%s: %s (%s)", subject, text, link)


@dataclass(frozen=True, slots=True)
class WebhookAlarms:
    """Posts JSON whose `text` Slack, Teams and Mattermost show, with its parts beside it."""

    url: str
    first_delay_s: float = 0.5

    def send(self, *, subject: str, text: str, link: str) -> None:
        # A tenth of a second to import: not at the start of every run.
        import httpx

        body = {"text": f"{subject}\n{text}\n{link}", "subject": subject, "detail": text, "link": link}
        # The transport's own retries are for connections that were not made, and a webhook's 503 is an answer.
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                answer = httpx.post(self.url, json=body, timeout=_TIMEOUT_S)
            except httpx.TransportError as error:
                said = str(error) or type(error).__name__
            else:
                if answer.is_success:
                    return
                # Not the error that httpx would make of it: the address is in it as well.
                said = f"HTTP {answer.status_code} {answer.reason_phrase}"
                if answer.status_code in _NEVER_TAKEN:
                    _log.error("alarm refused by the webhook (%s): %s: %s (%s)", said, subject, text, link)
                    return
            _log.warning("alarm not delivered, attempt %s: %s", attempt, said)
            if attempt < _ATTEMPTS:
                time.sleep(self.first_delay_s * 2**attempt)
        raise AlarmNotDelivered(f"the webhook did not take the alarm: {said}")


@dataclass(frozen=True, slots=True)
class SnsAlarms:
    topic_arn: str

    def send(self, *, subject: str, text: str, link: str) -> None:
        # A tenth of a second to import: not at the start of every run.
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError

        retries = {"mode": "standard", "total_max_attempts": _ATTEMPTS}
        config = Config(connect_timeout=_TIMEOUT_S, read_timeout=_TIMEOUT_S, retries=retries)
        # A line of printable ASCII, or SNS would never take it.
        line = " ".join(subject.encode("ascii", "replace").decode().split())[:_SUBJECT_LENGTH_MAX]
        try:
            client = boto3.client("sns", config=config)
            client.publish(TopicArn=self.topic_arn, Subject=line, Message=f"{text}\n\n{link}")
        except (BotoCoreError, ClientError) as error:
            raise AlarmNotDelivered(f"SNS did not take the alarm: {type(error).__name__}") from error
