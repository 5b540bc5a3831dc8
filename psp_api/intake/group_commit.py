"""Group commit: requests that arrive while a commit is under way wait together and share the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from psp_api.server.fair_queue import FairQueue, QueueFull
from psp_api.server.problems.refusals import Overloaded
from psp_core.domain.kernel.errors import DomainError, RequestInProgress, StorageUnavailable
from psp_core.usecases.intake.accept_transactions import Answer, Outcome, Submission

GATHER_QUIET_ROUNDS = 8
"""A request takes two rounds of the event loop from its bytes to the group; rounds without one take microseconds."""

GATHER_S_MAX = 0.02
_TURNS_IN_A_COMMIT = 10

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

    @property
    def merchant(self) -> str:
        return self.submission.merchant

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
    _waiting: FairQueue[_Request] = field(init=False)
    _keys: set[tuple[str, str]] = field(default_factory=set)
    _task: asyncio.Task[None] | None = None
    _stalled: bool = False
    _patience: asyncio.TimerHandle | None = None

    def __post_init__(self) -> None:
        self._waiting = FairQueue(
            rows_max=self.limits.waiting_transactions_max,
            turn_rows=max(1, self.limits.commit_transactions_max // _TURNS_IN_A_COMMIT),
        )

    async def submit(self, submission: Submission) -> Answer:
        """Store the submission and return its answer.

        Raises Overloaded, or a DomainError: StorageUnavailable, RequestInProgress, IdempotencyKeyReused.
        """
        if self._stalled:
            raise _not_begun()
        request = _Request(submission, asyncio.get_running_loop().create_future())
        if submission.key and submission.key.identity in self._keys:
            raise RequestInProgress("a request with this idempotency key is being worked on")
        self._put(request)
        if self._task is None:
            self._task = asyncio.create_task(self._commit_until_empty())
        try:
            return await request.outcome
        finally:
            # One whose client has gone gives its place away.
            if self._waiting.discard(request.merchant, request):
                self._forget_key(request)

    async def close(self) -> None:
        """Wait until everything that was submitted is stored."""
        if self._task is not None:
            await self._task
        self._thread.shutdown()

    def _put(self, request: _Request) -> None:
        try:
            given_way = self._waiting.put(request.merchant, request, rows=request.size)
        except QueueFull:
            raise Overloaded from None
        for other in given_way:
            self._forget_key(other)
            other.fail(Overloaded())
        if key := request.submission.key:
            self._keys.add(key.identity)

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
            and self._waiting.rows < self.limits.commit_transactions_max
            and loop.time() < latest_s
        ):
            await asyncio.sleep(0)
            quiet_rounds = quiet_rounds + 1 if len(self._waiting) == seen else 0
            seen = len(self._waiting)

    def _next_group(self) -> list[_Request]:
        group: list[_Request] = []
        size = 0
        while request := self._waiting.take(rows_max=self.limits.commit_transactions_max - size if group else None):
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
        for request in self._waiting.clear():
            self._forget_key(request)
            request.fail(_not_begun())

    def _give_up(self, group: list[_Request]) -> None:
        for request in group:
            request.fail(in_doubt())

    def _forget_key(self, request: _Request) -> None:
        if key := request.submission.key:
            self._keys.discard(key.identity)


def _accept_all(accept: Accept, submissions: list[Submission], on_answer: Callable[[], object]) -> list[Outcome]:
    """Store all in one commit; if one of them makes that fail, each in its own, so that the others are stored.

    Tells each time that the database has answered and is asked again.
    """
    try:
        return accept(submissions)
    except StorageUnavailable:
        return [in_doubt() for _ in submissions]
    except Exception as error:  # noqa: BLE001  (handed to the request that it belongs to)
        if len(submissions) == 1:
            return [error]
        outcomes: list[Outcome] = []
        for submission in submissions:
            if not (outcomes and isinstance(outcomes[-1], StorageUnavailable)):
                on_answer()
            outcomes += _accept_all(accept, [submission], on_answer)
        return outcomes


def _not_begun() -> DomainError:
    return StorageUnavailable("the database does not answer; nothing was stored")


def in_doubt() -> DomainError:
    """Return what is told when nobody knows whether a commit took effect."""
    return StorageUnavailable(
        "the database did not answer in time, and what was sent may have been stored: send it again with the same "
        "Idempotency-Key"
    )
