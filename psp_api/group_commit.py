"""Group commit: requests that arrive while a commit is under way wait together and share the next one."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from psp_api.problems.refusals import Overloaded
from psp_core.domain.errors import DomainError, RequestInProgress, StorageUnavailable
from psp_core.usecases.accept_transactions import Answer, Outcome, Submission

GATHER_QUIET_ROUNDS = 8
"""A request takes two rounds of the event loop from its bytes to the group; rounds without one take microseconds."""

GATHER_S_MAX = 0.02

Accept = Callable[[Sequence[Submission]], list[Outcome]]


@dataclass(frozen=True, slots=True)
class GroupLimits:
    """Bounds, in transactions and in seconds."""

    commit_transactions_max: int
    waiting_transactions_max: int
    patience_s: float
    """A commit that lasts longer means that the database does not answer: nobody else waits for it.

    Counted anew for each commit of a group that is retried one by one."""

    commit_timeout_s: float
    """After this, those in the commit are told as well; then nobody knows yet whether they were stored."""


@dataclass(eq=False, slots=True)
class _Request:
    submission: Submission
    outcome: asyncio.Future[Answer]

    @property
    def size(self) -> int:
        return len(self.submission.transactions)

    def fail(self, error: Exception) -> None:
        if not self.outcome.done():
            self.outcome.set_exception(error)

    def settle(self, outcome: Outcome) -> None:
        if isinstance(outcome, Exception):
            self.fail(outcome)
        elif not self.outcome.done():
            self.outcome.set_result(outcome)


@dataclass(eq=False)
class GroupCommit:
    """Belongs to one event loop. `on_commit` is told the transactions and seconds of each commit."""

    accept: Accept
    limits: GroupLimits
    on_commit: Callable[[int, float], None] = lambda *_: None
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="commit"))
    _waiting: deque[_Request] = field(default_factory=deque)
    _waiting_transactions: int = 0
    _keys: set[tuple[str, str]] = field(default_factory=set)
    _task: asyncio.Task[None] | None = None
    _stalled: bool = False
    _patience: asyncio.TimerHandle | None = None

    async def submit(self, submission: Submission) -> Answer:
        """Store the submission and return its answer.

        Raises Overloaded, or a DomainError: StorageUnavailable, RequestInProgress, IdempotencyKeyReused.
        """
        if self._stalled:
            raise _no_answer()
        request = _Request(submission, asyncio.get_running_loop().create_future())
        if (
            self._waiting_transactions
            and self._waiting_transactions + request.size > self.limits.waiting_transactions_max
        ):
            raise Overloaded
        if key := submission.key:
            if key.identity in self._keys:
                raise RequestInProgress("a request with this idempotency key is being worked on")
            self._keys.add(key.identity)
        self._waiting.append(request)
        self._waiting_transactions += request.size
        if self._task is None:
            self._task = asyncio.create_task(self._commit_until_empty())
        return await request.outcome

    async def close(self) -> None:
        """Wait until everything that was submitted is stored."""
        if self._task is not None:
            await self._task
        self._thread.shutdown()

    async def _commit_until_empty(self) -> None:
        try:
            await self._gather()
            while group := self._next_group():
                await self._commit(group)
                await self._gather()
        finally:
            self._task = None

    async def _gather(self) -> None:
        """Let the event loop go round until nobody new has come for some rounds.

        Clients whom the last commit answered come back one by one: a commit that begins with the first of them
        leaves the others to a commit of their own, and half of a commit's cost is the same for one row or fifty.
        """
        loop = asyncio.get_running_loop()
        latest_s = loop.time() + GATHER_S_MAX
        seen, quiet_rounds = len(self._waiting), 0
        while (
            quiet_rounds < GATHER_QUIET_ROUNDS
            and self._waiting_transactions < self.limits.commit_transactions_max
            and loop.time() < latest_s
        ):
            await asyncio.sleep(0)
            quiet_rounds = quiet_rounds + 1 if len(self._waiting) == seen else 0
            seen = len(self._waiting)

    def _next_group(self) -> list[_Request]:
        group: list[_Request] = []
        size = 0
        while self._waiting and (not group or size + self._waiting[0].size <= self.limits.commit_transactions_max):
            request = self._waiting.popleft()
            self._waiting_transactions -= request.size
            if request.outcome.done():
                # Its client has gone, or was told that it is not stored.
                self._forget_key(request)
                continue
            group.append(request)
            size += request.size
        return group

    async def _commit(self, group: list[_Request]) -> None:
        loop = asyncio.get_running_loop()
        self._be_patient()
        timeout = loop.call_later(self.limits.commit_timeout_s, self._give_up, group)
        started_s = loop.time()
        try:
            outcomes = await loop.run_in_executor(
                self._thread,
                _accept_all,
                self.accept,
                [request.submission for request in group],
                lambda: loop.call_soon_threadsafe(self._be_patient),
            )
        finally:
            self._end_patience()
            timeout.cancel()
            for request in group:
                self._forget_key(request)
        for request, outcome in zip(group, outcomes, strict=True):
            request.settle(outcome)
        self.on_commit(sum(request.size for request in group), loop.time() - started_s)

    def _be_patient(self) -> None:
        """Begin to wait anew: the database is asked, or has answered and is asked again."""
        self._end_patience()
        self._patience = asyncio.get_running_loop().call_later(self.limits.patience_s, self._stall)

    def _end_patience(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
        self._stalled = False

    def _stall(self) -> None:
        self._stalled = True
        while self._waiting:
            request = self._waiting.popleft()
            self._forget_key(request)
            request.fail(_no_answer())
        self._waiting_transactions = 0

    def _give_up(self, group: list[_Request]) -> None:
        for request in group:
            request.fail(_no_answer())

    def _forget_key(self, request: _Request) -> None:
        if key := request.submission.key:
            self._keys.discard(key.identity)


def _accept_all(accept: Accept, submissions: list[Submission], on_answer: Callable[[], object]) -> list[Outcome]:
    """Store all in one commit; if one of them makes that fail, each in its own, so that the others are stored.

    Tells each time that the database has answered and is asked again.
    """
    try:
        return accept(submissions)
    except StorageUnavailable as outage:
        return [StorageUnavailable(str(outage)) for _ in submissions]
    except Exception as error:  # noqa: BLE001  (handed to the request that it belongs to)
        if len(submissions) == 1:
            return [error]
        outcomes: list[Outcome] = []
        for submission in submissions:
            if not (outcomes and isinstance(outcomes[-1], StorageUnavailable)):
                on_answer()
            outcomes += _accept_all(accept, [submission], on_answer)
        return outcomes


def _no_answer() -> DomainError:
    return StorageUnavailable("the database did not answer in time")
