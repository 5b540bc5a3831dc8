"""Where alarms go: a webhook, an SNS topic, or the log alone."""

from __future__ import annotations

import http.client
import json
import logging
import time
import urllib.error
import urllib.request
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
        body = json.dumps({"text": f"{subject}\n{text}\n{link}", "subject": subject, "detail": text, "link": link})
        request = urllib.request.Request(  # noqa: S310 - the scheme is checked above
            self.url, data=body.encode(), headers={"Content-Type": "application/json"}, method="POST"
        )
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with urllib.request.urlopen(request, timeout=_TIMEOUT_S):  # noqa: S310
                    return
            except (OSError, http.client.HTTPException) as error:
                if isinstance(error, urllib.error.HTTPError) and error.code in _NEVER_TAKEN:
                    _log.error("alarm refused by the webhook (%s): %s: %s (%s)", error, subject, text, link)
                    return
                _log.warning("alarm not delivered, attempt %s: %s", attempt, error)
                if attempt == _ATTEMPTS:
                    raise AlarmNotDelivered(f"the webhook did not take the alarm: {error}") from error
                time.sleep(self.first_delay_s * 2**attempt)


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
