"""Refusals that a caller can act on. Anything else that is raised is a bug."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


class DomainError(Exception):
    """A refusal with a stable `code`; its text never holds card data or a request body."""

    code = "refused"


class NotFound(DomainError):
    """The object does not exist, or belongs to another merchant: the two look the same."""

    code = "not_found"


class InvalidCredentials(DomainError):
    """There is no such API key, or it has expired or was revoked; the text never repeats the key."""

    code = "invalid_credentials"


class InsufficientScope(DomainError):
    """The API key is good, but not for this."""

    code = "insufficient_scope"


class CustomerMismatch(DomainError):
    """The request names another merchant than its API key belongs to."""

    code = "customer_mismatch"


class ApiKeyNotActive(DomainError):
    """The API key has expired or was revoked: nothing can be done with it any more."""

    code = "api_key_not_active"


class ApiKeysNotConfigured(DomainError):
    """The server lacks what API keys need: a long enough pepper, or the right mode."""

    code = "api_keys_not_configured"


class IdempotencyKeyReused(DomainError):
    """The idempotency key was used before with another request body."""

    code = "idempotency_key_reused"


class RequestInProgress(DomainError):
    """A request with the same idempotency key is still being worked on."""

    code = "request_in_progress"


class SettlementInProgress(DomainError):
    """Another run holds the due date: two runs never settle one date at once."""

    code = "settlement_in_progress"

    def __init__(self, due_on: date, *, holder: str) -> None:
        super().__init__(f"{due_on} is being settled by {holder}; nothing was done here")
        self.due_on = due_on


class SettlementOpen(DomainError):
    """The settlement is not closed: payables are being added to it, and there is no report of it yet."""

    code = "settlement_open"


class HoldLost(DomainError):
    """What this process held was taken over: it had been silent for longer than its lease, and was taken for dead."""

    code = "hold_lost"

    def __init__(self, name: str) -> None:
        super().__init__(f"the hold on {name} was lost to another while this process stood still; it goes on with it")


class NotDueYet(DomainError):
    """The due date lies in the future: nothing is ever paid early."""

    code = "not_due_yet"


class UnknownMerchant(DomainError):
    """Nothing is known of the merchant: its name is probably mistyped."""

    code = "unknown_merchant"


class PlanRulesOverlap(DomainError):
    """Two rules would price the same sale at the same time, or a rule was changed meanwhile; nothing was changed."""

    code = "plan_rules_overlap"


class DayIsOpen(DomainError):
    """Payables may fall due on the day: nothing has to be moved away from it."""

    code = "day_is_open"


class FeePlanChanged(DomainError):
    """Somebody else changed the merchant's terms after they were shown: what was agreed to is no longer the change."""

    code = "fee_plan_changed"


class TimeZoneChanged(DomainError):
    """The settings name another time zone than the one whose days the database's due dates are."""

    code = "time_zone_changed"


class NotOverYet(DomainError):
    """The business date has not ended: it is sealed when nothing more can happen on it."""

    code = "not_over_yet"


class LedgerNotOpen(DomainError):
    """The opening has not ended, or the day is before the ledger's first: there is no balance to show or to seal."""

    code = "ledger_not_open"


class EntryReversed(DomainError):
    """The entry was reversed before: once is enough."""

    code = "entry_reversed"


class InsufficientFunds(DomainError):
    """A merchant's balance would fall below what is allowed, or all it has below its limit; nothing was posted."""

    code = "insufficient_funds"


class RefundExceedsCaptured(DomainError):
    """More would be given back than is left of what was captured."""

    code = "refund_exceeds_captured"


class AlreadyRefunded(DomainError):
    """All of the transaction was given back already: there is nothing left to refund."""

    code = "already_refunded"


class RefundOver(DomainError):
    """The refund has failed already: it fails once."""

    code = "refund_over"


class DebtIsLess(DomainError):
    """The merchant owes less than is to be written off."""

    code = "debt_is_less"


class TwoPeopleNeeded(DomainError):
    """Who asked for it is who would release it: somebody else has to."""

    code = "two_people_needed"


class WriteOffOver(DomainError):
    """The write-off was released before: once is enough."""

    code = "write_off_over"


class TransactionNotReady(DomainError):
    """The transaction's payables are still being made; a moment later they are there."""

    code = "transaction_not_ready"


class StorageUnavailable(DomainError):
    """The database cannot be reached or did not answer in time; the request may be sent again."""

    code = "storage_unavailable"


class QueueUnavailable(DomainError):
    """The queue cannot be reached or refused a message; what was not sent is sent later."""

    code = "queue_unavailable"


class AlarmNotDelivered(DomainError):
    """Nobody could be told: the same alarm is to be sent again, before any later one."""

    code = "alarm_not_delivered"


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """One way in which the books do not balance."""

    rule: str
    subject: str
    detail: str


class BooksDoNotBalance(DomainError):
    """Money was created, lost, paid early or paid twice: a bug or an outside hand."""

    code = "books_do_not_balance"

    def __init__(self, discrepancies: list[Discrepancy]) -> None:
        shown = "; ".join(f"{item.rule}: {item.subject}: {item.detail}" for item in discrepancies[:5])
        super().__init__(f"{len(discrepancies)} discrepancies: {shown}")
        self.discrepancies = discrepancies
