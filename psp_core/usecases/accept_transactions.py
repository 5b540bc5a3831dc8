"""Accept card transactions: the transaction, its outbox entry and its idempotency key in one commit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psp_core.domain.errors import DomainError, IdempotencyKeyReused, RequestInProgress
from psp_core.domain.idempotency import FirstAnswer, IdempotencyKey, KeyClaim
from psp_core.domain.transactions import NewTransaction, Transaction
from psp_core.ports import Clock, Ids, Store, UnitOfWork


@dataclass(frozen=True, slots=True)
class Submission:
    """One merchant's request: one transaction or many, all of them or none."""

    transactions: Sequence[NewTransaction]
    render: Callable[[Sequence[Transaction]], bytes]
    """Turns the stored transactions into the answer that an idempotency key will repeat."""

    key: IdempotencyKey | None = None
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the merchant is told: `replayed` when an earlier request with the key had this effect."""

    body: bytes
    replayed: bool = False


Outcome = Answer | DomainError


@dataclass(frozen=True, slots=True)
class _Prepared:
    submission: Submission
    rows: list[Transaction]
    body: bytes


@dataclass(frozen=True, slots=True)
class AcceptTransactions:
    store: Store
    clock: Clock
    ids: Ids

    def __call__(self, submissions: Sequence[Submission]) -> list[Outcome]:
        """Store the submissions that are new in one commit; return an outcome for each, in order.

        A refused submission is returned as its error and does not hold up the others. Raises
        StorageUnavailable, or whatever a faulty row makes the database raise: then nothing is stored.
        """
        now = self.clock.now()
        prepared = [self._prepare(submission, now) for submission in submissions]
        with self.store.begin() as work:
            outcomes = _settle_keys(work, prepared, now)
            accepted = [item for item, outcome in zip(prepared, outcomes, strict=True) if _is_new(outcome)]
            rows = [row for item in accepted for row in item.rows]
            if rows:
                work.transactions.add(rows)
                work.outbox.add([row.id for row in rows], now=now, traceparent=_first_traceparent(accepted))
        return outcomes

    def _prepare(self, submission: Submission, now: datetime) -> _Prepared:
        ids = self.ids.new(at=now, count=len(submission.transactions))
        rows = [_stored(new, id=id, now=now) for id, new in zip(ids, submission.transactions, strict=True)]
        return _Prepared(submission, rows, submission.render(rows))


def _settle_keys(work: UnitOfWork, prepared: list[_Prepared], now: datetime) -> list[Outcome]:
    claims: dict[tuple[str, str], KeyClaim] = {}
    for item in prepared:
        if key := item.submission.key:
            claims.setdefault((key.customer_id, key.key), KeyClaim(key, item.body))
    won = work.idempotency_keys.claim(list(claims.values()), now=now) if claims else set()
    lost = [claim.key for claim in claims.values() if claim.key not in won]
    first_answers = work.idempotency_keys.first_answers(lost) if lost else {}
    outcomes: list[Outcome] = []
    for item in prepared:
        key = item.submission.key
        if key is None:
            outcomes.append(Answer(item.body))
            continue
        identity = (key.customer_id, key.key)
        if claims[identity].answer is item.body and key in won:
            outcomes.append(Answer(item.body))
        elif identity in first_answers:
            outcomes.append(_repeat(first_answers[identity], key))
        else:
            outcomes.append(RequestInProgress("a request with this idempotency key is being worked on"))
    return outcomes


def _repeat(first: FirstAnswer, key: IdempotencyKey) -> Outcome:
    if first.request_hash != key.request_hash:
        return IdempotencyKeyReused("this idempotency key was used before with another request")
    return Answer(first.answer, replayed=True)


def _is_new(outcome: Outcome) -> bool:
    return isinstance(outcome, Answer) and not outcome.replayed


def _first_traceparent(items: list[_Prepared]) -> str | None:
    return next((item.submission.traceparent for item in items if item.submission.traceparent), None)


def _stored(new: NewTransaction, *, id: UUID, now: datetime) -> Transaction:
    return Transaction(id, new.first_status, now, now, *new)
