"""Accept card transactions: the transaction, its outbox entry and its idempotency key in one commit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from uuid import UUID

from psp_core.domain.intake.idempotency import FirstAnswer, IdempotencyKey, Intake, KeyClaim, in_progress
from psp_core.domain.intake.transactions import NewTransaction, Transaction
from psp_core.domain.kernel.errors import IdempotencyKeyReused, StorageUnavailable
from psp_core.ports.kernel import Clock, Ids
from psp_core.ports.store import Store

Through = Callable[[Sequence[NewTransaction]], Iterator[NewTransaction]]


@dataclass(frozen=True, slots=True)
class Submission:
    """One merchant's request: one transaction or many, all of them or none."""

    transactions: Sequence[NewTransaction]
    render: Callable[[Sequence[Transaction]], bytes]
    """Turns the stored transactions into the answer that an idempotency key will repeat."""

    key: IdempotencyKey | None = None
    traceparent: str | None = None

    @property
    def merchant(self) -> str:
        return self.transactions[0].customer_id


@dataclass(frozen=True, slots=True)
class Answer:
    """What the merchant is told: `replayed` when an earlier request with the key had this effect."""

    body: bytes
    replayed: bool = False


Outcome = Answer | Exception
"""An exception says why this one was refused; a DomainError is meant for the merchant."""


@dataclass(frozen=True, slots=True)
class AcceptTransactions:
    store: Store
    clock: Clock
    ids: Ids

    def __call__(self, submissions: Sequence[Submission], *, through: Through = iter) -> list[Outcome]:
        """Store the submissions that are new in one commit; return an outcome for each, in order.

        The transactions are prepared as `through` yields them: whoever has others beside it may let them go on.

        A refused submission is returned as its error and does not hold up the others. Raises
        StorageUnavailable, or whatever a faulty row makes the database raise: then nothing is stored.
        """
        now = self.clock.now()
        # All at once: it costs as much for one as for many.
        ids = iter(self.ids.new(at=now, count=sum(len(submission.transactions) for submission in submissions)))
        outcomes: list[Outcome] = [in_progress() for _ in submissions]
        asked: list[tuple[int, Intake, bytes]] = []
        identities: set[tuple[str, str]] = set()
        for index, submission in enumerate(submissions):
            if key := submission.key:
                if key.identity in identities:
                    continue
                identities.add(key.identity)
            asked.append((index, *_prepare(submission, ids, now, through)))
        stored = self.store.accept(
            [intake for _, intake, _ in asked], now=now, traceparent=_first_traceparent(submissions)
        )
        lost: dict[int, IdempotencyKey] = {}
        for (index, intake, body), is_stored in zip(asked, stored, strict=True):
            if is_stored:
                outcomes[index] = Answer(body)
            elif intake.claim:
                lost[index] = intake.claim.key
        for index, outcome in self._repeats(lost).items():
            outcomes[index] = outcome
        return outcomes

    def _repeats(self, lost: Mapping[int, IdempotencyKey]) -> dict[int, Outcome]:
        """Return what those are told whose key was used before; nothing is raised.

        The others are stored already: to be asked to try again would have them stored twice.
        """
        if not lost:
            return {}
        try:
            with self.store.begin() as work:
                found = work.idempotency_keys.first_answers(list(lost.values()))
        except StorageUnavailable as outage:
            return {index: StorageUnavailable(str(outage)) for index in lost}
        except Exception as error:  # noqa: BLE001  (handed to those whom it concerns)
            return dict.fromkeys(lost, error)
        return {index: _repeat(found[key.identity], key) for index, key in lost.items() if key.identity in found}


def _prepare(submission: Submission, ids: Iterator[UUID], now: datetime, through: Through) -> tuple[Intake, bytes]:
    own = zip(through(submission.transactions), islice(ids, len(submission.transactions)), strict=True)
    rows = [new.accepted(id=id, at=now) for new, id in own]
    body = submission.render(rows)
    return Intake(rows, KeyClaim(submission.key, body) if submission.key else None), body


def _repeat(first: FirstAnswer, key: IdempotencyKey) -> Outcome:
    told = first.to(key)
    return told if isinstance(told, IdempotencyKeyReused) else Answer(told, replayed=True)


def _first_traceparent(submissions: Sequence[Submission]) -> str | None:
    return next((submission.traceparent for submission in submissions if submission.traceparent), None)
