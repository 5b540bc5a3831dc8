"""Dead letters: messages that were received time after time and never dealt with."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from psp_core.domain.events import OutgoingMessage, QueueMessage
from psp_core.ports.events import Queue

HOLD_S = 60
"""How long a message is out of sight for others while it is looked at: longer than a round takes."""


@dataclass(frozen=True, slots=True)
class ListDeadLetters:
    queue: Queue

    def __call__(self, *, limit: int) -> list[QueueMessage]:
        """Return at most `limit` dead letters, and put them back. Raises QueueUnavailable."""
        with _held(self.queue) as held:
            for batch in _batches(self.queue):
                held.extend(batch)
                if len(held) >= limit:
                    break
            return sorted(held[:limit], key=lambda message: (str(message.sent_at), message.message_id))


@dataclass(frozen=True, slots=True)
class RedriveOutcome:
    """`unreadable` messages were left: no consumer could ever deal with them. `withheld` ones never came in sight."""

    moved: int
    transactions: int
    unreadable: int
    withheld: int = 0


@dataclass(frozen=True, slots=True)
class RedriveDeadLetters:
    queue: Queue
    patience_s: float = HOLD_S + 15
    """How long letters are waited for that somebody looks at, the check every ten minutes for one."""

    def __call__(self, *, limit: int) -> RedriveOutcome:
        """Send at most `limit` dead letters to the transactions' queue again, then delete them there.

        Killed in between, a message is in both: harmless, because payables are created once.
        Raises QueueUnavailable.
        """
        moved = transactions = withheld = 0
        with _held(self.queue) as left:
            for batch in self._until_none_is_withheld(left):
                readable = [message for message in batch if message.transaction_ids is not None]
                sent = self._send(readable)
                self.queue.delete_dead_letters([message.receipt for message in sent])
                # One that came in sight again replaces itself: only its last receipt is good.
                again = {message.message_id for message in batch}
                left[:] = [message for message in left if message.message_id not in again]
                left.extend(message for message in batch if message not in sent)
                moved += len(sent)
                transactions += sum(len(message.transaction_ids or ()) for message in sent)
                if moved >= limit:
                    break
            else:
                withheld = self._withheld(left)
            unreadable = sum(message.transaction_ids is None for message in left)
        return RedriveOutcome(moved, transactions, unreadable, withheld)

    def _until_none_is_withheld(self, left: list[QueueMessage]) -> Iterator[list[QueueMessage]]:
        """Yield batches; when there is none, wait for the letters that somebody else has in hand."""
        ends_at_s = time.monotonic() + self.patience_s
        while True:
            # It waits a second for one, and is the pause between two looks.
            known = {message.message_id for message in left}
            batch = self.queue.receive_dead_letters(hold_s=HOLD_S)
            if batch:
                yield batch
            if all(message.message_id in known for message in batch) and (
                not self._withheld(left) or time.monotonic() > ends_at_s
            ):
                return

    def _withheld(self, left: list[QueueMessage]) -> int:
        depth = self.queue.dead_letter_depth()
        return max(0, depth.waiting + depth.in_flight - len(left))

    def _send(self, messages: list[QueueMessage]) -> list[QueueMessage]:
        outgoing = [OutgoingMessage(message.transaction_ids or [], message.traceparent) for message in messages]
        failed = self.queue.send(outgoing).failed
        return [message for position, message in enumerate(messages) if position not in failed]


def _batches(queue: Queue) -> Iterator[list[QueueMessage]]:
    while batch := queue.receive_dead_letters(hold_s=HOLD_S):
        yield batch


@contextmanager
def _held(queue: Queue) -> Iterator[list[QueueMessage]]:
    """Yield a list of messages in hand; what is in it in the end is put back in sight."""
    held: list[QueueMessage] = []
    try:
        yield held
    finally:
        queue.release_dead_letters([message.receipt for message in held])
