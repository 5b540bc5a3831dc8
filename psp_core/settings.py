"""Every setting, with its unit and its limits, read once from `PSP_*` environment variables."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Literal, Self, TypeVar
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from psp_core.domain.access import PEPPER_LENGTH_MIN, KeyMode
from psp_core.domain.kernel.errors import DomainError
from psp_core.domain.kernel.money import Currency

_PREFIX = "PSP_"
_NO_PLACE = frozenset({"Factory", "localtime", "posixrules"})
"""Names beside the time zones that mean whatever a machine was set to."""


class SettingsRefused(DomainError):
    """A `PSP_*` variable holds what it cannot mean; the text names each, and never repeats a value that is secret."""

    code = "settings_refused"


class CalendarSettings(BaseSettings):
    """Days and times: known without a database, because Dagster needs them to define its partitions."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, frozen=True, extra="ignore", hide_input_in_errors=True)

    time_zone: str = Field(
        default="UTC", description="Time zone whose calendar days are the due dates; fixed by the first migration"
    )
    settlement_time: str = Field(
        default="06:00",
        pattern=r"^([01]\d|2[0-3]):[0-5]\d$",
        description="Time of day, HH:MM in time_zone, at which a due date is settled",
    )
    first_due_date: date = Field(
        default=date(2024, 1, 1), description="First due date that can be settled: the first partition of `settlement`"
    )

    @field_validator("time_zone")
    @classmethod
    def _must_be_known(cls, name: str) -> str:
        if name in _NO_PLACE or name not in available_timezones():
            raise ValueError(f"{name!r} is no time zone; one is called like America/Sao_Paulo, or UTC")
        return name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def settlement_starts_at(self) -> time:
        return time.fromisoformat(self.settlement_time)


class Settings(CalendarSettings):
    database_url: SecretStr = Field(description="Postgres, as postgresql+psycopg2://user:password@host:port/name")
    read_database_url: SecretStr | None = Field(
        default=None,
        description="Postgres for merchants' reads: a login of their own, or a replica; unset: database_url",
    )
    relay_database_url: SecretStr | None = Field(
        default=None, description="Postgres with the relay's login; unset: database_url"
    )
    migration_database_url: SecretStr | None = Field(
        default=None, description="Postgres with the login of the tables' owner, for `psp migrate`; unset: database_url"
    )
    database_pool_size: int = Field(default=8, ge=1, le=100, description="Connections a process at most")
    read_database_pool_size: int = Field(
        default=8, ge=1, le=100, description="Connections a process to read_database_url at most, where it is set"
    )
    database_connect_timeout_s: int = Field(default=2, ge=1, description="Seconds to connect to Postgres at most")
    database_statement_timeout_s: int = Field(default=30, ge=1, description="Seconds after which a statement is ended")
    database_lock_timeout_s: int = Field(default=10, ge=1, description="Seconds after which a wait for a lock is ended")
    lease_s: float = Field(
        default=15,
        ge=1,
        description="Seconds without a sign of life after which a run, or a due date's holder, is dead",
    )
    database_prepares: bool = Field(
        default=True, description="Whether statements are prepared; false behind a pooler in transaction mode"
    )

    sqs_endpoint_url: str | None = Field(
        default=None, pattern=r"^https?://[^/]", description="Address of the SQS endpoint; unset: AWS itself"
    )
    sqs_queue_name: str = Field(
        default="psp-transactions", description="Name of the transactions' queue; the dead-letter queue's is made of it"
    )
    sqs_visibility_timeout_s: int = Field(
        default=120, ge=10, description="Seconds after which a message that was received and not deleted comes again"
    )
    sqs_max_receive_count: int = Field(
        default=5, ge=1, description="Times a message is received before it goes to the dead-letter queue"
    )
    sqs_connect_timeout_s: float = Field(default=2, gt=0, description="Seconds to connect to the queue at most")

    currency: Currency = Field(default=Currency.BRL, description="Currency of a transaction that names none")
    clock_start: str | None = Field(
        default=None, description="ISO instant at which a demonstration's clock starts; unset: the real time"
    )
    clock_speed: float = Field(
        default=1, gt=0, description="Seconds that a demonstration's clock goes in a real second"
    )

    relay_poll_interval_s: float = Field(default=0.5, gt=0, description="Seconds between looks into an empty outbox")
    relay_pause_s: float = Field(default=0.1, ge=0, description="Seconds to wait after emptying the outbox")
    relay_entries_max: int = Field(default=500, ge=1, description="Outbox entries that the relay sends a commit")
    message_transactions_max: int = Field(default=200, ge=1, le=2_000, description="Transactions in a message")

    drain_commit_transactions_max: int = Field(
        default=4_000, ge=1, description="Transactions whose payables a drain stores in one commit"
    )
    drain_receivers: int = Field(default=3, ge=1, le=20, description="Threads of a drain that receive from the queue")
    drain_linger_s: float = Field(
        default=60, ge=0, description="Seconds of an empty queue after which a drain ends, unless it is a standby"
    )
    drain_receive_wait_s: int = Field(default=5, ge=0, le=8, description="Seconds that a request waits for a message")
    drain_duration_max_s: float = Field(default=900, gt=0, description="Seconds until another drain run takes over")
    drain_runs_max: int = Field(default=4, ge=1, description="Drain runs at the same time at most")
    drain_runs_standby: int = Field(
        default=1, ge=0, description="Drain runs that are always up; with 0, the first message waits for one to start"
    )
    drain_messages_per_run: int = Field(
        default=500, ge=1, description="Messages in the queue for each of which another drain run starts"
    )

    settlement_chunk_payables: int = Field(default=10_000, ge=1, description="Payables paid in one commit")
    reports_url: str = Field(
        default="file:.psp/reports",
        pattern=r"^(file:.|s3://[^/])",
        description="Where settlement reports are written: file:FOLDER or s3://BUCKET/PREFIX",
    )
    repair_after_minutes: int = Field(
        default=10, ge=1, description="Minutes after which a transaction without payables is enqueued again"
    )
    alarm_url: str | None = Field(
        default=None,
        pattern=r"^(https?://[^/]|sns:arn:)",
        description="Where alarms go: https://… or sns:TOPIC_ARN; unset: only to the log",
    )
    operations_url: str = Field(default="http://127.0.0.1:3001", description="Dagster's webserver, for links in alarms")
    idempotency_key_retention_days: int = Field(
        default=14, ge=7, description="Days that an answer is repeated to its Idempotency-Key; the contract promises 7"
    )
    run_retention_days: int = Field(
        default=14,
        ge=1,
        description="Days that runs of drains and housekeeping are kept; settlements' are kept forever",
    )

    api_bind: str = Field(default="127.0.0.1:3000", description="Address and port at which the API listens")
    api_public_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^/?#\s]+[^?#\s]*$",
        description="Address at which merchants reach the API, for links; unset: the host that a request names",
    )
    api_workers: int = Field(default=2, ge=1, le=64, description="Processes of the API")
    api_trust_every_peer: bool = Field(
        default=False,
        description="Whether trusted-header mode is allowed on an address that is not loopback: only behind a gateway",
    )
    api_trusted_proxies: int = Field(
        default=0,
        ge=0,
        le=10,
        description="Proxies in front of the API: so many last entries of X-Forwarded-For are believed",
    )
    api_failed_logins_free: int = Field(
        default=10, ge=1, description="Wrong API keys from one address before each more costs a longer pause"
    )
    api_head_timeout_s: float = Field(
        default=10, gt=0, description="Seconds from the first byte of a request's head to its last; then 408"
    )
    api_body_timeout_s: float = Field(
        default=10,
        gt=0,
        description="Seconds to send a body before the answer is 408, unless it is as fast as api_body_bytes_per_s_min",
    )
    api_body_bytes_per_s_min: int = Field(
        default=4_096, ge=1, description="Bytes a second at which a body may take longer than api_body_timeout_s"
    )
    api_idle_timeout_s: float = Field(
        default=75,
        gt=0,
        description="Seconds before a connection is closed that sends no next request, or does not take its answer",
    )
    api_connections_max: int = Field(
        default=1_000,
        ge=1,
        description="Connections to a worker; beyond that the longest idle one is closed, or else the new one gets 503",
    )
    api_body_bytes_max: int = Field(default=64 * 1024, ge=1024, description="Bytes in a body; beyond that, 413")
    api_batch_body_bytes_max: int = Field(
        default=1024 * 1024, ge=1024, description="Bytes in the body of a batch; beyond that, 413"
    )
    api_commit_transactions_max: int = Field(default=500, ge=1, description="Transactions stored in one commit")
    api_bulk_transactions_min: int = Field(
        default=50, ge=2, description="Transactions from which on a batch is stored by commits of such batches only"
    )
    api_waiting_transactions_max: int = Field(
        default=5_000,
        ge=1,
        description="Transactions that wait to be stored, large batches apart from others; beyond that, 503",
    )
    api_waiting_batch_kib_max: int = Field(
        default=8_192, ge=1, description="KiB of batches that wait to be read; beyond that, 503"
    )
    api_commit_patience_s: float = Field(
        default=1.5, gt=0, description="Seconds a commit may take before new requests, and those that wait, get 503"
    )
    api_commit_timeout_s: float = Field(
        default=10, gt=0, description="Seconds a commit may take before the requests in it get 503, too"
    )
    api_read_threads: int = Field(default=6, ge=1, le=64, description="Threads and connections a worker reads with")
    api_waiting_reads_max: int = Field(
        default=500,
        ge=0,
        description="Reads that wait for a thread before the answer is 503; a list counts once for each 200 rows",
    )
    api_read_timeout_s: float = Field(
        default=1.5, gt=0, description="Seconds that a read may wait and take before it gets 503"
    )
    api_rate_limit_per_minute: int = Field(
        default=0,
        ge=0,
        description="Rows a minute that a merchant may write, or read by 200, by all workers; then 429; 0: no limit",
    )
    api_statement_timeout_s: int = Field(
        default=5, ge=1, description="Seconds of a statement and of a lock in the API, instead of the database_… ones"
    )
    api_outbox_log_interval_s: float = Field(
        default=60, gt=0, description="Seconds between two log lines about the outbox"
    )
    auth_mode: Literal["trusted-header", "api-key"] = Field(
        default="trusted-header",
        description="Who says which merchant calls: the x-customer-id of a trusted gateway, or an API key",
    )
    api_key_pepper: SecretStr | None = Field(
        default=None,
        min_length=PEPPER_LENGTH_MIN,
        description="Secret with which API keys are hashed; another one makes every key invalid",
    )
    api_key_mode: KeyMode = Field(
        default=KeyMode.LIVE, description="Which keys are made and taken, live or test: a database is for one of both"
    )
    api_key_secret_prefix: str | None = Field(
        default=None,
        description="Name in Secrets Manager, before its id, that a new key is kept under; unset: it is shown once",
    )
    api_key_secret_kms_key: str | None = Field(
        default=None, description="KMS key that encrypts those secrets; unset: the account's own"
    )
    api_key_cache_ttl_s: float = Field(
        default=10, ge=0, le=300, description="Seconds that a revoked key may still work"
    )

    log_format: Literal["json", "console"] = Field(
        default="json", description="How the log is written: JSON for machines, or columns for a terminal"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="Least level that is logged"
    )

    @field_validator("clock_start")
    @classmethod
    def _must_be_an_instant(cls, text: str | None) -> str | None:
        if text is not None and datetime.fromisoformat(text).tzinfo is None:
            raise ValueError("an instant has its offset, as in 2026-03-10T12:00:00+00:00")
        return text

    @model_validator(mode="after")
    def _needs_a_pepper(self) -> Self:
        if self.auth_mode == "api-key" and self.api_key_pepper is None:
            raise ValueError("PSP_AUTH_MODE=api-key needs PSP_API_KEY_PEPPER (openssl rand -hex 32)")
        return self


SomeSettings = TypeVar("SomeSettings", bound=CalendarSettings)


def load(kind: type[SomeSettings]) -> SomeSettings:
    """Read the environment. Raises SettingsRefused, one sentence about every variable that is wrong."""
    try:
        return kind()
    except ValidationError as refusal:
        # The cause shows values of the environment, secrets among them.
        raise SettingsRefused("; ".join(_sentences(refusal))) from None


def _sentences(refusal: ValidationError) -> list[str]:
    return [
        ": ".join(
            [
                *(f"{_PREFIX}{str(name).upper()}" for name in error["loc"][:1]),
                error["msg"].removeprefix("Value error, "),
            ]
        )
        for error in refusal.errors(include_url=False, include_input=False)
    ]
