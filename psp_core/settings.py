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

    time_zone: str = Field(default="UTC", description="whose calendar days are the due dates")
    settlement_time: str = Field(default="06:00", pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    first_due_date: date = Field(default=date(2024, 1, 1), description="the first partition of `settlement`")

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
        default=None, description="for the merchants' reads: their own login, or a replica; None is database_url"
    )
    relay_database_url: SecretStr | None = Field(default=None, description="for the relay; None is database_url")
    migration_database_url: SecretStr | None = Field(
        default=None, description="the tables' owner, for `psp migrate`; None is database_url"
    )
    database_pool_size: int = Field(default=8, ge=1, le=100)
    read_database_pool_size: int = Field(default=8, ge=1, le=100, description="of read_database_url, if there is one")
    database_connect_timeout_s: int = Field(default=2, ge=1)
    database_statement_timeout_s: int = Field(default=30, ge=1)
    database_lock_timeout_s: int = Field(default=10, ge=1)
    lease_s: float = Field(default=15, ge=1, description="a run or a holder of a due date silent for so long is dead")
    database_prepares: bool = Field(default=True, description="false behind a pooler in transaction mode")

    sqs_endpoint_url: str | None = Field(default=None, pattern=r"^https?://[^/]", description="None is AWS itself")
    sqs_queue_name: str = "psp-transactions"
    sqs_visibility_timeout_s: int = Field(default=120, ge=10)
    sqs_max_receive_count: int = Field(default=5, ge=1, description="then a message goes to the dead-letter queue")
    sqs_connect_timeout_s: float = Field(default=2, gt=0)

    currency: Currency = Field(default=Currency.BRL, description="of a transaction that names none")
    clock_start: str | None = Field(default=None, description="ISO instant at which a demonstration's clock starts")
    clock_speed: float = Field(default=1, gt=0, description="seconds that pass on that clock in a second")

    relay_poll_interval_s: float = Field(default=0.5, gt=0)
    relay_pause_s: float = Field(default=0.1, ge=0, description="after a relay that did not leave any behind")
    relay_entries_max: int = Field(default=500, ge=1, description="outbox entries a commit")
    message_transactions_max: int = Field(default=200, ge=1, le=2_000)

    drain_commit_transactions_max: int = Field(default=4_000, ge=1)
    drain_receivers: int = Field(default=3, ge=1, le=20)
    drain_linger_s: float = Field(default=60, ge=0)
    drain_receive_wait_s: int = Field(default=5, ge=0, le=8)
    drain_duration_max_s: float = Field(default=900, gt=0)
    drain_runs_max: int = Field(default=4, ge=1)
    drain_runs_standby: int = Field(default=1, ge=0, description="always up; without one, a quiet hour ends in a wait")
    drain_messages_per_run: int = Field(default=500, ge=1)

    settlement_chunk_payables: int = Field(default=10_000, ge=1)
    reports_url: str = Field(
        default="file:.psp/reports", pattern=r"^(file:.|s3://[^/])", description="file:FOLDER or s3://BUCKET/PREFIX"
    )
    repair_after_minutes: int = Field(default=10, ge=1)
    alarm_url: str | None = Field(
        default=None,
        pattern=r"^(https?://[^/]|sns:arn:)",
        description="https://… or sns:TOPIC_ARN; None is the log alone",
    )
    operations_url: str = Field(default="http://127.0.0.1:3001", description="Dagster's webserver, for links in alarms")
    idempotency_key_retention_days: int = Field(default=14, ge=7, description="the contract promises 7")
    run_retention_days: int = Field(default=14, ge=1, description="of drain and housekeeping runs, never settlements")

    api_bind: str = "127.0.0.1:3000"
    api_workers: int = Field(default=2, ge=1, le=64)
    api_trust_every_peer: bool = Field(
        default=False, description="trusted-header mode on an address that is not loopback: only behind a gateway"
    )
    api_trusted_proxies: int = Field(
        default=0,
        ge=0,
        le=10,
        description="in front, each adding to X-Forwarded-For: whose word on a client's address counts",
    )
    api_failed_logins_free: int = Field(
        default=10, ge=1, description="wrong API keys from one address; then each costs a longer pause than the last"
    )
    api_head_timeout_s: float = Field(default=10, gt=0, description="from a head's first byte to its last; then 408")
    api_body_timeout_s: float = Field(default=10, gt=0, description="to send a body; longer while it is fast enough:")
    api_body_bytes_per_s_min: int = Field(default=4_096, ge=1, description="slower than that on average: 408")
    api_idle_timeout_s: float = Field(
        default=75, gt=0, description="of a connection between two requests, and of an answer that nobody takes"
    )
    api_body_bytes_max: int = Field(default=64 * 1024, ge=1024)
    api_batch_body_bytes_max: int = Field(default=1024 * 1024, ge=1024)
    api_commit_transactions_max: int = Field(default=500, ge=1, description="transactions a group commit")
    api_bulk_transactions_min: int = Field(
        default=50, ge=2, description="a batch of so many waits for commits of such batches, and holds up nobody else"
    )
    api_waiting_transactions_max: int = Field(default=5_000, ge=1, description="of each kind; beyond that, 503")
    api_waiting_batch_kib_max: int = Field(default=8_192, ge=1, description="of batches to be read; beyond that, 503")
    api_commit_patience_s: float = Field(default=1.5, gt=0, description="then nobody else waits for the commit")
    api_commit_timeout_s: float = Field(default=10, gt=0, description="then those in the commit are told, too")
    api_read_threads: int = Field(default=6, ge=1, le=64)
    api_waiting_reads_max: int = Field(
        default=500, ge=0, description="a list counts once for each 200 rows that it walks over; beyond that, 503"
    )
    api_read_timeout_s: float = Field(default=1.5, gt=0)
    api_rate_limit_per_minute: int = Field(
        default=0, ge=0, description="rows of one merchant, written or read by the 200; 0 is off; by worker its share"
    )
    api_statement_timeout_s: int = Field(default=5, ge=1, description="in the API, instead of the database_… ones")
    api_outbox_log_interval_s: float = Field(default=60, gt=0)
    auth_mode: Literal["trusted-header", "api-key"] = "trusted-header"
    api_key_pepper: SecretStr | None = Field(default=None, min_length=PEPPER_LENGTH_MIN)
    api_key_mode: KeyMode = Field(
        default=KeyMode.LIVE, description="which keys are taken: the ledger is for one of both"
    )
    api_key_secret_prefix: str | None = Field(
        default=None, description="new keys go into Secrets Manager under this name and their id, and are not shown"
    )
    api_key_secret_kms_key: str | None = None
    api_key_cache_ttl_s: float = Field(default=10, ge=0, le=300, description="how long a revoked key may still work")

    log_format: Literal["json", "console"] = "json"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

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
