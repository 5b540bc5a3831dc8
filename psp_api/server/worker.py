"""What one worker process holds: the core, its threads and its relay, started and stopped with the server."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from typing import Any

from psp_api.intake.group_commit import Accept, GroupCommit, GroupLimits, in_doubt
from psp_api.intake.transaction_body import BATCH_TRANSACTIONS_MAX
from psp_api.server import metrics
from psp_api.server.activity import NOBODYS, Pace, activity_of_this_worker
from psp_api.server.fair_threads import FairThreads, ThreadLimits
from psp_api.server.problems.refusals import Overloaded
from psp_core.bootstrap import Core, build_core
from psp_core.observability import get_logger
from psp_core.settings import Settings
from psp_core.usecases.events.relay_outbox import RelayOutcome
from psp_core.usecases.intake.accept_transactions import Answer, Outcome, Submission
from psp_core.usecases.operations.check_health import CheckHealth

# Besides the readers: the relay, and a probe or a scrape. The group commit's is in a pool of its own.
_OTHER_CONNECTIONS = 2
# What is given back: a commit each, and those of one sale wait for each other.
_WRITERS = 3
# Looking up keys, where the readers have a login of their own: each key once in PSP_API_KEY_CACHE_TTL_S.
_KEY_CONNECTIONS = 2
_WAITING_PROBES_MAX = 10
# A batch of thousands of rows, and beside it somebody else's.
_PARSERS = 2
_WEIGHT_BYTES = 1024
_TURN_KIB = 64
_SWITCH_INTERVAL_S = 0.00005
"""How long the event loop waits for a thread that computes, each time that it has waited for anything else.

Python's 5 ms are long for a request that is handed over ten times on its way.
"""

_log = get_logger(__name__)


def build_api_core(settings: Settings) -> Core:
    """Return a core with a connection for every thread of a worker, none of which may wait for long."""
    readers = _KEY_CONNECTIONS if settings.read_database_url else settings.api_read_threads
    own = {
        "database_pool_size": readers + _WRITERS + _OTHER_CONNECTIONS,
        "read_database_pool_size": settings.api_read_threads,
        "database_statement_timeout_s": settings.api_statement_timeout_s,
        "database_lock_timeout_s": settings.api_statement_timeout_s,
    }
    return build_core(settings.model_copy(update=own), application_name="psp-api")


class Worker:
    """Falcon calls the `process_…` methods at the server's start and stop, in the worker's event loop."""

    def __init__(self, core: Core) -> None:
        settings = core.settings
        self.core = core
        self.settings = settings
        self.activity = activity_of_this_worker()
        self.readers = FairThreads(
            ThreadLimits(
                threads=settings.api_read_threads,
                waiting_max=settings.api_waiting_reads_max,
                timeout_s=settings.api_read_timeout_s,
            ),
            activity=self.activity,
        )
        self.writers = FairThreads(
            ThreadLimits(
                threads=_WRITERS,
                waiting_max=settings.api_waiting_reads_max,
                timeout_s=settings.api_commit_timeout_s,
                too_late=in_doubt,
            ),
            activity=self.activity,
            name="write",
        )
        self.parsers = FairThreads(
            ThreadLimits(
                threads=_PARSERS,
                waiting_max=settings.api_waiting_batch_kib_max,
                timeout_s=settings.api_commit_timeout_s,
                turn_weight=_TURN_KIB,
                taken_alone_max=max(1, settings.api_waiting_transactions_max // BATCH_TRANSACTIONS_MAX),
                too_late=Overloaded,
            ),
            activity=self.activity,
            name="parse",
        )
        self.health = CheckHealth(core.store, core.queue, core.clock)
        self.queue_probe = FairThreads(ThreadLimits(1, _WAITING_PROBES_MAX, settings.api_read_timeout_s))
        self.relay = core.keep_relaying(on_outcome=_on_report, on_failure=_on_failure)
        self.group_commit = self._new_group_commit(core.accept_transactions)
        # Besides the other: a commit of a thousand takes as long as many of a few, who need not wait for it.
        self.bulk_commit = self._new_group_commit(self._accept_in_slices)

    def _new_group_commit(self, accept: Accept) -> GroupCommit:
        settings = self.settings
        return GroupCommit(
            accept,
            GroupLimits(
                commit_transactions_max=settings.api_commit_transactions_max,
                waiting_transactions_max=settings.api_waiting_transactions_max,
                patience_s=settings.api_commit_patience_s,
                commit_timeout_s=settings.api_commit_timeout_s,
            ),
            on_commit=self._on_commit,
        )

    async def submit(self, submission: Submission) -> Answer:
        """Store the submission in the next commit of its kind, and return its answer. Raises what GroupCommit does."""
        self.activity.see(submission.merchant, now_s=asyncio.get_running_loop().time())
        return await (self.bulk_commit if self._is_bulk(submission) else self.group_commit).submit(submission)

    def _is_bulk(self, submission: Submission) -> bool:
        return len(submission.transactions) >= self.settings.api_bulk_transactions_min

    def _accept_in_slices(self, submissions: Sequence[Submission]) -> list[Outcome]:
        return self.core.accept_transactions(submissions, through=Pace(self.activity).through)

    async def submit_batch(
        self,
        read: Callable[[Pace], Submission],
        *,
        on_read: Callable[[Submission], object],
        merchant: str | None,
        size: int,
    ) -> Answer:
        """Read the body of a batch in a thread, in turn by merchant and `size` in bytes, and submit it.

        `read` is given its pace. The turn of a large batch is over when it is stored: no more are read than find room.
        Raises Overloaded, or what `read`, `on_read` or `submit` raises.
        """
        weight = max(1, size // _WEIGHT_BYTES)
        turn = self.parsers.turn(lambda _left_s: read(Pace(self.activity)), merchant=merchant or NOBODYS, weight=weight)
        async with turn as submission:
            on_read(submission)
            if self._is_bulk(submission):
                return await self.submit(submission)
        return await self.submit(submission)

    async def process_startup(self, _scope: Any, _event: Any) -> None:
        sys.setswitchinterval(_SWITCH_INTERVAL_S)
        self.relay.start()
        self._outbox_log = asyncio.create_task(self._log_outbox())

    async def process_shutdown(self, _scope: Any, _event: Any) -> None:
        self._outbox_log.cancel()
        await asyncio.gather(self.group_commit.close(), self.bulk_commit.close())
        await asyncio.get_running_loop().run_in_executor(None, self.relay.stop)
        self.readers.close()
        self.writers.close()
        self.parsers.close()
        self.queue_probe.close()

    async def _log_outbox(self) -> None:
        """Tell again and again how old the outbox is: where only logs are read, that is what alarms."""
        while True:
            depth = await asyncio.get_running_loop().run_in_executor(None, self.health.outbox_depth)
            if depth is not None:
                _log.info("outbox", outbox_oldest_age_s=round(depth.oldest_age_s, 3), outbox_entries=depth.entries)
            await asyncio.sleep(self.settings.api_outbox_log_interval_s)

    def _on_commit(self, transactions: int, seconds: float) -> None:
        self.relay.wake()
        metrics.observe_commit(transactions, seconds)


def _on_report(report: RelayOutcome) -> None:
    metrics.observe_relay(report)


def _on_failure(failure: Exception) -> None:
    metrics.count_relay_failure()
    _log.warning("relay delayed", reason=str(failure))
