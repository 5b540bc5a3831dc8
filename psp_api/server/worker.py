"""What one worker process holds: the core, its threads and its relay, started and stopped with the server."""

from __future__ import annotations

import asyncio
from typing import Any

from psp_api.intake.group_commit import GroupCommit, GroupLimits
from psp_api.server import metrics
from psp_api.server.readers import ReaderLimits, Readers
from psp_core.bootstrap import Core, build_core
from psp_core.observability import get_logger
from psp_core.settings import Settings
from psp_core.usecases.events.relay_outbox import RelayOutcome
from psp_core.usecases.intake.accept_transactions import Answer, Submission
from psp_core.usecases.operations.check_health import CheckHealth

# Besides the readers: the relay, and a probe or a scrape. The group commit's is in a pool of its own.
_OTHER_CONNECTIONS = 2
# Looking up keys, where the readers have a login of their own: each key once in PSP_API_KEY_CACHE_TTL_S.
_KEY_CONNECTIONS = 2
_WAITING_PROBES_MAX = 10
_log = get_logger(__name__)


def build_api_core(settings: Settings) -> Core:
    """Return a core with a connection for every thread of a worker, none of which may wait for long."""
    readers = _KEY_CONNECTIONS if settings.read_database_url else settings.api_read_threads
    own = {
        "database_pool_size": readers + _OTHER_CONNECTIONS,
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
        self.readers = Readers(
            ReaderLimits(
                threads=settings.api_read_threads,
                waiting_max=settings.api_waiting_reads_max,
                timeout_s=settings.api_read_timeout_s,
            )
        )
        self.health = CheckHealth(core.store, core.queue, core.clock)
        self.queue_probe = Readers(ReaderLimits(1, _WAITING_PROBES_MAX, settings.api_read_timeout_s))
        self.relay = core.keep_relaying(on_outcome=_on_report, on_failure=_on_failure)
        self.group_commit = self._new_group_commit()
        # Besides the other: a commit of a thousand takes as long as many of a few, who need not wait for it.
        self.bulk_commit = self._new_group_commit()

    def _new_group_commit(self) -> GroupCommit:
        settings = self.settings
        return GroupCommit(
            self.core.accept_transactions,
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
        is_bulk = len(submission.transactions) >= self.settings.api_bulk_transactions_min
        return await (self.bulk_commit if is_bulk else self.group_commit).submit(submission)

    async def process_startup(self, _scope: Any, _event: Any) -> None:
        self.relay.start()
        self._outbox_log = asyncio.create_task(self._log_outbox())

    async def process_shutdown(self, _scope: Any, _event: Any) -> None:
        self._outbox_log.cancel()
        await asyncio.gather(self.group_commit.close(), self.bulk_commit.close())
        await asyncio.get_running_loop().run_in_executor(None, self.relay.stop)
        self.readers.close()
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
