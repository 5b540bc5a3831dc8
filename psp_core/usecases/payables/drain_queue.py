"""Drain the queue: receive in parallel, create payables by the thousand, then delete the messages."""

from __future__ import annotations

import queue as thread_queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol
from uuid import UUID

from psp_core.domain.events import QueueMessage
from psp_core.domain.kernel.errors import QueueUnavailable, StorageUnavailable
from psp_core.ports.events import Queue, Traces
from psp_core.usecases.payables.create_payables import CreatePayables, PayablesOutcome

RETRY_AFTER_S = 1
GATHER_S = 0.02
"""How long a commit waits for more messages once it has one."""
NO_ANSWER_S = 0.5
"""How long the queue's next answer is waited for, between two looks at whether the drain goes on."""


@dataclass(slots=True)
class DrainOutcome:
    """Totals of a drain so far; `left_messages` go to the dead-letter queue in the end."""

    messages: int = 0
    left_messages: int = 0
    created: int = 0
    existing: int = 0
    commits: int = 0
    unknown: set[UUID] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class DrainLimits:
    receivers: int
    commit_transactions_max: int
    linger_s: float
    """The drain ends after the queue has been empty for so long, unless it is a standby."""

    duration_max_s: float
    receive_wait_s: int = 5
    """How long one receive waits for a message: long polling costs one call in that time."""


class _Insist(Protocol):
    def __call__(self, action: Callable[[], None]) -> None: ...


@dataclass(frozen=True, slots=True)
class DrainQueue:
    queue: Queue
    create_payables: CreatePayables
    limits: DrainLimits
    traces: Traces

    def __call__(
        self,
        *,
        is_standby: bool = False,
        goes_on: Callable[[], bool] = lambda: True,
        on_commit: Callable[[DrainOutcome], None] = lambda _: None,
    ) -> DrainOutcome:
        """Consume the queue until it has been empty for `linger_s`, or for `duration_max_s` at most.

        A standby stays for all of `duration_max_s`, so that no message waits for a process to start.
        `goes_on` is asked between commits. A message is deleted only after the commit of its
        payables; killed in between, it comes back and changes nothing. An outage of the database is
        waited for. Raises QueueUnavailable or StorageUnavailable when an outage did not end in the
        time, and whatever ended a receiver.
        """
        try:
            return self._drain(on_commit, is_standby=is_standby, goes_on=goes_on)
        finally:
            self.traces.flush()

    def _drain(
        self, on_commit: Callable[[DrainOutcome], None], *, is_standby: bool, goes_on: Callable[[], bool]
    ) -> DrainOutcome:
        report = DrainOutcome()
        started = last_work = time.monotonic()

        def has_time() -> bool:
            return time.monotonic() - started < self.limits.duration_max_s and goes_on()

        with _Receivers(self.queue, self.limits) as receivers:
            while has_time():
                batch = receivers.gather(self.limits.commit_transactions_max)
                failure = receivers.failure
                if batch:
                    self._commit(batch, report, insist=partial(_insist, receivers=receivers, has_time=has_time))
                    on_commit(report)
                if batch or (is_standby and failure is None):
                    # A standby is there for quiet times: only an outage counts against it.
                    last_work = time.monotonic()
                elif time.monotonic() - last_work >= self.limits.linger_s:
                    if failure:
                        raise failure
                    break
            receivers.stop()
            while batch := receivers.gather(self.limits.commit_transactions_max):
                self._commit(batch, report, insist=partial(_insist, receivers=receivers, has_time=has_time))
        on_commit(report)
        return report

    def _commit(self, batch: list[QueueMessage], report: DrainOutcome, *, insist: _Insist) -> None:
        with self.traces.processing(batch):
            readable = [message for message in batch if message.transaction_ids is not None]
            ids = [id for message in readable for id in message.transaction_ids or ()]
            results: list[PayablesOutcome] = []
            insist(lambda: results.append(self.create_payables(ids)))
            [result] = results
            done = [message for message in readable if not result.unknown.intersection(message.transaction_ids or ())]
            insist(lambda: self.queue.delete([message.receipt for message in done]))
        report.messages += len(done)
        report.left_messages += len(batch) - len(done)
        report.created += result.created
        report.existing += result.existing
        report.unknown |= result.unknown
        report.commits += 1


def _insist(action: Callable[[], None], *, receivers: _Receivers, has_time: Callable[[], bool]) -> None:
    """Do it as soon as database and queue can be reached; raises their outage when the drain's time is over."""
    while True:
        try:
            action()
        except (StorageUnavailable, QueueUnavailable):
            # What would be received meanwhile could only wait, time out again and again, and be given up in the end.
            receivers.pause()
            if not has_time():
                raise
            time.sleep(RETRY_AFTER_S)
        else:
            receivers.go_on()
            return


class _Receivers:
    """Threads that keep a bounded number of received messages ready."""

    def __init__(self, queue: Queue, limits: DrainLimits) -> None:
        self._queue = queue
        self._wait_s = limits.receive_wait_s
        self._stopping = threading.Event()
        self._wanted = threading.Event()
        self._wanted.set()
        self._answered = threading.Event()
        self.failure: QueueUnavailable | None = None
        self._death: BaseException | None = None
        self._ready: thread_queue.Queue[list[QueueMessage]] = thread_queue.Queue(maxsize=limits.receivers)
        self._threads = [
            threading.Thread(target=self._run, name=f"receiver-{number}", daemon=True)
            for number in range(limits.receivers)
        ]

    def __enter__(self) -> _Receivers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # Not joined when the drain fails: what they still hold comes back after its time-out.
        self._stopping.set()
        self._wanted.set()

    def pause(self) -> None:
        """Let no receive begin until `go_on` is called."""
        self._wanted.clear()

    def go_on(self) -> None:
        self._wanted.set()

    def stop(self) -> None:
        """Let no receive begin any more, and wait for those under way, so that none is left in hand."""
        self._stopping.set()
        self._wanted.set()
        deadline = time.monotonic() + self._wait_s + 1
        for thread in self._threads:
            while thread.is_alive() and self._ready.qsize() < self._ready.maxsize and time.monotonic() < deadline:
                thread.join(timeout=0.05)

    def gather(self, transactions_max: int) -> list[QueueMessage]:
        """Return messages worth about one commit; none when the queue has answered that it has none, or not at all.

        Raises what a receiver died of: a drain with fewer receivers, or none, would look well and do nothing.
        """
        if self._death is not None:
            raise self._death
        batch: list[QueueMessage] = []
        transactions = 0
        self._answered.clear()
        if self._ready.empty() and not self._stopping.is_set():
            self._answered.wait(NO_ANSWER_S)
        wait_s = 0.0 if self._stopping.is_set() else GATHER_S
        while transactions < transactions_max:
            try:
                received = self._ready.get(timeout=wait_s) if wait_s else self._ready.get_nowait()
            except thread_queue.Empty:
                break
            batch += received
            transactions += sum(len(message.transaction_ids or ()) for message in received)
        return batch

    def _run(self) -> None:
        try:
            self._receive()
        except BaseException as death:
            self._death = death
            raise

    def _receive(self) -> None:
        while not self._stopping.is_set():
            if not self._wanted.wait(RETRY_AFTER_S) or self._stopping.is_set():
                continue
            try:
                received = self._queue.receive(wait_s=self._wait_s)
            except QueueUnavailable as failure:
                self.failure = failure
                self._stopping.wait(RETRY_AFTER_S)
                continue
            self.failure = None
            if received:
                self._ready.put(received)
            self._answered.set()
