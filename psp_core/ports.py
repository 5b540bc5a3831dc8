"""What the use cases need from the outside world, as Protocols: an adapter is whatever fits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from psp_core.domain.api_keys import ApiKey
from psp_core.domain.errors import Discrepancy
from psp_core.domain.fees import FeePlan
from psp_core.domain.idempotency import FirstAnswer, IdempotencyKey, Intake
from psp_core.domain.leases import Holds, Leases
from psp_core.domain.listing import Page, PayableFilter, SettlementFilter, TransactionFilter
from psp_core.domain.messages import OutboxDepth, OutboxEntry, OutgoingMessage, QueueDepth, QueueMessage
from psp_core.domain.operator_actions import OperatorAction, Outcome
from psp_core.domain.payables import NewPayable, Payable, PayableSource
from psp_core.domain.settlement import Due, MerchantTotals, Settlement, SettlementChunk, Totals
from psp_core.domain.settlement_report import Batch, PublishedReport, ReportFile, ReportLine
from psp_core.domain.transactions import Transaction


class Clock(Protocol):
    def now(self) -> datetime:
        """Return the current instant in UTC, cut to whole milliseconds."""
        ...


class Ids(Protocol):
    def new(self, *, at: datetime, count: int) -> list[UUID]:
        """Return that many new ids for rows created at `at`, each greater than the one before."""
        ...


class Transactions(Protocol):
    def find(self, customer_id: str, id: UUID) -> Transaction | None: ...

    def page(self, customer_id: str, where: TransactionFilter, page: Page) -> list[Transaction]: ...

    def sources(self, ids: Sequence[UUID]) -> list[PayableSource]:
        """Return what decides the payables, for those of the `ids` that exist, by id."""
        ...

    def without_payables(self, *, created_from: datetime, created_before: datetime, limit: int) -> list[UUID]:
        """Return the oldest transactions of that time that have no payable."""
        ...


class Payables(Protocol):
    def add_missing(self, rows: Sequence[NewPayable], *, ids: Sequence[UUID], now: datetime) -> int:
        """Insert the rows whose (transaction, type, installment) is new; return how many that were."""
        ...

    def find(self, customer_id: str, id: UUID) -> Payable | None: ...

    def page(self, customer_id: str, where: PayableFilter, page: Page) -> list[Payable]: ...


class Outbox(Protocol):
    def add(self, transaction_ids: Sequence[UUID], *, now: datetime, traceparent: str | None) -> None: ...

    def claim(self, *, limit: int) -> list[OutboxEntry]:
        """Lock and return the oldest entries that no other relay holds; the lock ends with the commit."""
        ...

    def delete(self, ids: Sequence[int]) -> None: ...

    def depth(self, *, now: datetime) -> OutboxDepth: ...


class IdempotencyKeys(Protocol):
    def first_answers(self, keys: Sequence[IdempotencyKey]) -> Mapping[tuple[str, str], FirstAnswer]:
        """Return the stored answers by (customer id, key)."""
        ...

    def purge(self, *, created_before: datetime, limit: int) -> int:
        """Delete at most `limit` old keys; return how many went."""
        ...


class FeePlans(Protocol):
    def of(self, customer_ids: Iterable[str]) -> Mapping[str, list[FeePlan]]:
        """Return every plan, past and present, of the merchants that have one of their own."""
        ...

    def add(self, customer_id: str, plan: FeePlan) -> None: ...


class Settlements(Protocol):
    def due(self, due_on: date, *, merchants: Sequence[str] | None, control_before: datetime) -> Due:
        """Return what is due on the date and not paid yet; controlled is what was created before an instant."""
        ...

    def settled(self, due_on: date) -> list[MerchantTotals]:
        """Return what the date's settlements hold already."""
        ...

    def known_merchants(self, names: Sequence[str]) -> set[str]:
        """Return those of the names whose merchant has made a transaction."""
        ...

    def unsettled_dates(self, *, until: date) -> list[date]:
        """Return the dates up to and including `until` that still have something due, oldest first."""
        ...

    def settle_chunk(
        self,
        due_on: date,
        *,
        merchants: Sequence[str] | None,
        after: tuple[str, UUID] | None,
        limit: int,
        control_before: datetime,
        now: datetime,
    ) -> SettlementChunk:
        """Pay at most `limit` due payables and their transactions, and add them to open settlements."""
        ...

    def close(self, due_on: date, *, now: datetime) -> int:
        """Close the date's open settlements; return how many there were."""
        ...

    def find(self, customer_id: str, id: UUID) -> Settlement | None: ...

    def page(self, customer_id: str, where: SettlementFilter, page: Page) -> list[Settlement]: ...


class ApiKeys(Protocol):
    def add(self, key: ApiKey) -> None: ...

    def find(self, id: str) -> ApiKey | None: ...

    def revoke(self, id: str, *, now: datetime) -> ApiKey | None:
        """Revoke the key unless it is already; return it as it is then, or None when there is none."""
        ...

    def expire(self, id: str, *, at: datetime, now: datetime) -> ApiKey | None:
        """Bring the key's end forward to `at`; None when there is none, or none that is good at `now`."""
        ...

    def note_use(self, id: str, *, at: datetime, unless_after: datetime) -> None:
        """Store the last use, unless one after `unless_after` is stored."""
        ...

    def list(self, *, customer_id: str | None, limit: int) -> Sequence[ApiKey]:
        """Return a merchant's keys, oldest first; None is everybody's, by merchant."""
        ...


class Books(Protocol):
    def discrepancies(self, *, zone: ZoneInfo, limit: int) -> list[Discrepancy]:
        """Return at most `limit` violations of each rule; the calendar days are those of `zone`."""
        ...


class SettlementLines(Protocol):
    def batches(self, due_on: date) -> list[tuple[Batch, Totals]]:
        """Return the date's settlements by merchant; what follows is read from the same snapshot."""
        ...

    def lines(self, batches: list[Batch]) -> Iterator[ReportLine]:
        """Yield the payables that these settlements of one date paid, batch after batch."""
        ...


class SettlementReports(Protocol):
    def published(self, due_on: date) -> PublishedReport | None:
        """Return the date's report that counts."""
        ...

    def publish(self, report: PublishedReport, *, lost: str | None, now: datetime) -> bool:
        """Let this report count, unless a newer one or its like does; tell whether it does now.

        `lost` is an edition whose files are gone, which is replaced in any case.
        """
        ...


class OperatorActions(Protocol):
    def add(self, record: OperatorAction) -> None:
        """Store the action; does nothing when the same run has recorded it before."""
        ...

    def finish(self, id: UUID, *, outcome: Outcome, detail: str, at: datetime) -> None:
        """Add how the action ended: once, and never changed."""
        ...

    def newest(self, *, limit: int) -> Sequence[OperatorAction]: ...


class PlatformSettings(Protocol):
    """What is decided once for a database, because its rows depend on it."""

    def time_zone(self) -> str | None:
        """Return the time zone whose days the due dates are; None when none was kept yet."""
        ...

    def keep_time_zone(self, name: str) -> str:
        """Keep the time zone, unless another one is kept and there are transactions; return the kept one.

        Raises TimeZoneChanged when the database does not know it, or has due dates of other days.
        """
        ...


class UnitOfWork(Protocol):
    """One commit: it happens when the `with` block ends well, and not at all when it raises."""

    @property
    def transactions(self) -> Transactions: ...
    @property
    def payables(self) -> Payables: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def idempotency_keys(self) -> IdempotencyKeys: ...
    @property
    def fee_plans(self) -> FeePlans: ...
    @property
    def settlements(self) -> Settlements: ...
    @property
    def api_keys(self) -> ApiKeys: ...
    @property
    def settlement_lines(self) -> SettlementLines: ...
    @property
    def settlement_reports(self) -> SettlementReports: ...
    @property
    def operator_actions(self) -> OperatorActions: ...
    @property
    def leases(self) -> Leases: ...
    @property
    def platform_settings(self) -> PlatformSettings: ...
    @property
    def books(self) -> Books: ...


class Store(Holds, Protocol):
    """The database. Every method raises StorageUnavailable when it cannot be reached."""

    def begin(self) -> AbstractContextManager[UnitOfWork]: ...

    def accept(self, intakes: Sequence[Intake], *, now: datetime, traceparent: str | None) -> list[bool]:
        """Store the intakes whose key is new, or that have none, and one outbox entry for all, in one commit.

        Tell of each whether it was stored. Waits for the commit of a rival with the same key. No key may
        come twice; a faulty row raises, and then nothing is stored.
        """
        ...

    def read_as(self, customer_id: str, *, within_s: float | None = None) -> AbstractContextManager[UnitOfWork]:
        """Begin a unit of work that can see this merchant's rows and no others, and change nothing.

        A statement that takes longer than `within_s` is ended, and raises StorageUnavailable.
        """
        ...

    def schema_is_current(self) -> bool:
        """Tell whether the database has the schema that this program needs, or a later one."""
        ...

    def close(self) -> None:
        """Hang up; whoever goes on using the store connects anew."""
        ...


@dataclass(frozen=True, slots=True)
class SendOutcome:
    """Which of the messages, by position, the queue did not take."""

    failed: frozenset[int]


class Queue(Protocol):
    """The transactions' queue. Every method raises QueueUnavailable when it cannot be reached."""

    def send(self, messages: Sequence[OutgoingMessage]) -> SendOutcome: ...

    def receive(self, *, wait_s: int) -> list[QueueMessage]:
        """Return up to 10 messages, waiting at most `wait_s` seconds for the first."""
        ...

    def delete(self, receipts: Sequence[str]) -> None: ...

    def depth(self) -> QueueDepth: ...

    def dead_letter_depth(self) -> QueueDepth: ...

    def receive_dead_letters(self, *, hold_s: int) -> list[QueueMessage]:
        """Return up to 10 dead letters, which nobody else receives for `hold_s` seconds."""
        ...

    def release_dead_letters(self, receipts: Sequence[str]) -> None:
        """Let the dead letters be received again at once."""
        ...

    def delete_dead_letters(self, receipts: Sequence[str]) -> None: ...


class Traces(Protocol):
    """What becomes visible of a merchant's request after it was answered."""

    def processing(self, messages: Sequence[QueueMessage]) -> AbstractContextManager[None]:
        """Show the block as the work on these messages, each in the trace that its `traceparent` names."""
        ...

    def flush(self) -> None:
        """Send away what is still in hand, waiting for seconds at most; never raises."""
        ...


class Alarms(Protocol):
    def send(self, *, subject: str, text: str, link: str) -> None:
        """Tell people that something needs them. Raises AlarmNotDelivered when nobody could be told, after some
        attempts: the same alarm may be sent later."""
        ...


class ReportDraft(Protocol):
    """Files in the making; nobody sees them before they are published."""

    def write(self, name: str, lines: Sequence[ReportLine]) -> None:
        """Append lines to the file, in each of its formats; it begins with the first call."""
        ...

    def close(self, name: str) -> None:
        """Let the file have no more lines."""
        ...

    def publish(self, *, folder: str) -> list[ReportFile]:
        """Put every file into the folder, in the order in which they began; all must be closed."""
        ...

    def publish_facts(self, name: str, facts: Mapping[str, Any], *, folder: str) -> ReportFile:
        """Put a file of plain facts into the folder."""
        ...


class Reports(Protocol):
    """Where reports lie. Files of one name replace each other as a whole; nothing guards which one is the last."""

    def begin(self) -> AbstractContextManager[ReportDraft]: ...

    def read(self, name: str) -> bytes | None:
        """Return what the published file holds, or None when there is none."""
        ...

    def copy(self, name: str, *, to: str) -> None:
        """Put a copy of the published file in another place."""
        ...
