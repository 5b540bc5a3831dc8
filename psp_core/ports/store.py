"""The database: units of work, and what is more than one."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from psp_core.domain.intake.idempotency import Intake
from psp_core.domain.operations.leases import Holds, Leases
from psp_core.ports.access import ApiKeys
from psp_core.ports.events import Outbox
from psp_core.ports.intake import IdempotencyKeys, Transactions
from psp_core.ports.ledger import Ledger
from psp_core.ports.operations import Books, OperatorActions, PlatformSettings
from psp_core.ports.payables import Payables
from psp_core.ports.pricing import DueDates, FeePlans, Holidays, MerchantTermsOfAll, PlanRules
from psp_core.ports.refunds import Refunds
from psp_core.ports.settlement import Explanations, Reserve, SettlementLines, SettlementReports, Settlements


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
    def plan_rules(self) -> PlanRules: ...
    @property
    def holidays(self) -> Holidays: ...
    @property
    def merchant_terms(self) -> MerchantTermsOfAll: ...
    @property
    def refunds(self) -> Refunds: ...
    @property
    def reserve(self) -> Reserve: ...
    @property
    def due_dates(self) -> DueDates: ...
    @property
    def settlements(self) -> Settlements: ...
    @property
    def api_keys(self) -> ApiKeys: ...
    @property
    def settlement_lines(self) -> SettlementLines: ...
    @property
    def settlement_reports(self) -> SettlementReports: ...
    @property
    def explanations(self) -> Explanations: ...
    @property
    def operator_actions(self) -> OperatorActions: ...
    @property
    def leases(self) -> Leases: ...
    @property
    def platform_settings(self) -> PlatformSettings: ...
    @property
    def ledger(self) -> Ledger: ...
    @property
    def books(self) -> Books: ...

    def freeze(self) -> None:
        """Let all that follows in this commit be of one snapshot, and write nothing; it comes first."""
        ...

    def shorten(self) -> None:
        """Let the next statement take no longer than what is left of the time for all. Raises StorageUnavailable."""
        ...


class Store(Holds, Protocol):
    """The database. Every method raises StorageUnavailable when it cannot be reached."""

    def begin(self) -> AbstractContextManager[UnitOfWork]: ...

    def write_as(self, customer_id: str, *, within_s: float | None = None) -> AbstractContextManager[UnitOfWork]:
        """Begin a unit of work for this merchant: where the login may not see all rows, it sees this one's.

        A statement that takes longer than `within_s` is ended, and raises StorageUnavailable.
        """
        ...

    def accept(self, intakes: Sequence[Intake], *, now: datetime, traceparent: str | None) -> list[bool]:
        """Store the intakes whose key is new, or that have none, and one outbox entry for all, in one commit.

        Tell of each whether it was stored. Waits for the commit of a rival with the same key. No key may
        come twice; a faulty row raises, and then nothing is stored.
        """
        ...

    def read_as(self, customer_id: str, *, within_s: float | None = None) -> AbstractContextManager[UnitOfWork]:
        """Begin a unit of work that can see this merchant's rows and no others, and change nothing.

        A statement that takes longer than `within_s` is ended, and raises StorageUnavailable; before each further one
        `shorten` bounds them all together.
        """
        ...

    def schema_is_current(self) -> bool:
        """Tell whether the database has the schema that this program needs, or a later one."""
        ...

    def close(self) -> None:
        """Hang up; whoever goes on using the store connects anew."""
        ...
