"""The group commit around the real core, in one event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import pytest

from psp_api.intake.group_commit import GroupCommit, GroupLimits
from psp_api.server.problems.refusals import Overloaded
from psp_core.bootstrap import Core
from psp_core.domain.intake.transactions import TransactionFilter
from psp_core.domain.kernel.errors import RequestInProgress, StorageUnavailable
from psp_core.domain.kernel.paging import Page
from psp_core.usecases.intake.accept_transactions import Answer, Outcome, Submission
from tests.builders import a_new_transaction, a_submission

LIMITS = GroupLimits(commit_transactions_max=500, waiting_transactions_max=5_000, patience_s=30, commit_timeout_s=60)


@dataclass
class Gate:
    """Lets the core's commits through one by one, and remembers how large they were."""

    core: Core
    sizes: list[int] = field(default_factory=list)
    entered: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    opened: threading.Event = field(default_factory=threading.Event)

    def __call__(self, submissions: Sequence[Submission]) -> list[Outcome]:
        self.sizes.append(sum(len(item.transactions) for item in submissions))
        self.entered.release()
        assert self.opened.wait(30)
        return self.core.accept_transactions(submissions)

    async def has_one_inside(self) -> None:
        assert await asyncio.to_thread(self.entered.acquire, timeout=30)


def run(core: Core, test: Callable[[GroupCommit, Gate], Awaitable[None]], *, limits: GroupLimits = LIMITS) -> Gate:
    gate = Gate(core)

    async def main() -> None:
        group_commit = GroupCommit(gate, limits)
        try:
            await test(group_commit, gate)
        finally:
            gate.opened.set()
            await group_commit.close()

    asyncio.run(main())
    return gate


def stored(core: Core) -> int:
    page = Page(limit=10_000)
    return len(core.read_merchant.transactions("merchant-1", where=TransactionFilter(), page=page))


async def outcomes(*tasks: Awaitable[Answer]) -> list[Answer | BaseException]:
    return await asyncio.gather(*tasks, return_exceptions=True)


class TestGroupCommit:
    def test_shares_a_commit_between_those_that_arrive_during_another(self, core: Core) -> None:
        async def test(group_commit: GroupCommit, gate: Gate) -> None:
            first = asyncio.create_task(group_commit.submit(a_submission()))
            await gate.has_one_inside()
            others = [asyncio.create_task(group_commit.submit(a_submission())) for _ in range(20)]
            await asyncio.sleep(0)
            gate.opened.set()
            answers = await asyncio.gather(first, *others)
            assert len({answer.body for answer in answers}) == 21

        assert run(core, test).sizes == [1, 20]
        assert stored(core) == 21

    def test_waits_for_those_who_come_one_after_the_other(self, core: Core) -> None:
        async def test(group_commit: GroupCommit, gate: Gate) -> None:
            gate.opened.set()
            tasks = []
            for _ in range(12):
                tasks.append(asyncio.create_task(group_commit.submit(a_submission())))
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            await asyncio.gather(*tasks)

        assert run(core, test).sizes == [12]

    def test_does_not_wait_for_ever_when_somebody_always_comes(self, core: Core) -> None:
        async def test(group_commit: GroupCommit, gate: Gate) -> None:
            gate.opened.set()
            tasks: list[asyncio.Task[Answer]] = []
            loop = asyncio.get_running_loop()
            latest_s = loop.time() + 10
            while not gate.sizes and loop.time() < latest_s:
                tasks.append(asyncio.create_task(group_commit.submit(a_submission())))
                await asyncio.sleep(0)
            assert gate.sizes
            await asyncio.gather(*tasks)

        run(core, test, limits=GroupLimits(1_000_000, 1_000_000, 30, 60))

    def test_bounds_a_commit_and_never_splits_a_batch(self, core: Core) -> None:
        async def test(group_commit: GroupCommit, gate: Gate) -> None:
            gate.opened.set()
            batches = [a_submission(*[a_new_transaction()] * size) for size in (1, 4, 5, 6, 20, 1)]
            await asyncio.gather(*map(group_commit.submit, batches))

        gate = run(core, test, limits=GroupLimits(10, 5_000, 30, 60))

        assert gate.sizes == [10, 6, 20, 1]

    def test_keeps_one_failure_from_its_neighbours(self, core: Core) -> None:
        poison = a_submission(a_new_transaction(description="\0"))

        async def test(group_commit: GroupCommit, gate: Gate) -> None:
            gate.opened.set()
            good, bad, other = await outcomes(
                group_commit.submit(a_submission()),
                group_commit.submit(poison),
                group_commit.submit(a_submission(key="a")),
            )
            assert isinstance(good, Answer)
            assert isinstance(other, Answer)
            assert isinstance(bad, Exception)
            assert not isinstance(bad, StorageUnavailable)

        run(core, test)
        assert stored(core) == 2

    def test_refuses_a_key_that_is_being_worked_on_and_frees_it_afterwards(self, core: Core) -> None:
        async def test(group_commit: GroupCommit, gate: Gate) -> None:
            first = asyncio.create_task(group_commit.submit(a_submission(key="a")))
            await gate.has_one_inside()
            with pytest.raises(RequestInProgress):
                await group_commit.submit(a_submission(key="a"))
            gate.opened.set()
            answer = await first
            again = await group_commit.submit(a_submission(key="a"))
            assert (again.body, again.replayed) == (answer.body, True)

        run(core, test)
        assert stored(core) == 1

    def test_refuses_more_than_may_wait(self, core: Core) -> None:
        async def test(group_commit: GroupCommit, gate: Gate) -> None:
            first = asyncio.create_task(group_commit.submit(a_submission()))
            await gate.has_one_inside()
            waiting = [asyncio.create_task(group_commit.submit(a_submission())) for _ in range(3)]
            await asyncio.sleep(0)
            with pytest.raises(Overloaded):
                await group_commit.submit(a_submission())
            gate.opened.set()
            await asyncio.gather(first, *waiting)

        run(core, test, limits=GroupLimits(500, 3, 30, 60))
        assert stored(core) == 4

    def test_turns_others_away_unstored_when_a_commit_takes_too_long(self, core: Core) -> None:
        async def test(group_commit: GroupCommit, gate: Gate) -> None:
            slow = asyncio.create_task(group_commit.submit(a_submission()))
            await gate.has_one_inside()
            with pytest.raises(StorageUnavailable, match="nothing was stored"):
                await group_commit.submit(a_submission(key="a"))
            with pytest.raises(StorageUnavailable, match="nothing was stored"):
                await group_commit.submit(a_submission())
            assert not slow.done()
            gate.opened.set()
            await slow
            assert not (await group_commit.submit(a_submission(key="a"))).replayed

        run(core, test, limits=GroupLimits(500, 5_000, 0.05, 60))
        assert stored(core) == 2

    def test_turns_nobody_away_while_a_group_is_stored_one_by_one(self, core: Core) -> None:
        patience_s, one_commit_s = 1.0, 0.2
        retried = threading.Event()

        def slowly(submissions: Sequence[Submission]) -> list[Outcome]:
            if len(submissions) > 1:
                retried.set()
                raise ValueError("one of them makes the commit fail")
            threading.Event().wait(one_commit_s)
            return core.accept_transactions(submissions)

        async def main() -> list[Answer | BaseException]:
            group_commit = GroupCommit(slowly, GroupLimits(500, 5_000, patience_s, 60))
            first = asyncio.create_task(group_commit.submit(a_submission()))
            group = [asyncio.create_task(group_commit.submit(a_submission())) for _ in range(8)]
            await asyncio.to_thread(retried.wait, 30)
            found = await outcomes(first, *group, group_commit.submit(a_submission()))
            await group_commit.close()
            return found

        assert all(isinstance(outcome, Answer) for outcome in asyncio.run(main()))
        assert stored(core) == 10

    def test_tells_those_inside_when_a_commit_hangs(self, core: Core) -> None:
        async def test(group_commit: GroupCommit, gate: Gate) -> None:
            with pytest.raises(StorageUnavailable, match="may have been stored"):
                await group_commit.submit(a_submission())

        run(core, test, limits=GroupLimits(500, 5_000, 0.01, 0.05))

    def test_does_not_store_for_a_client_that_has_gone(self, core: Core) -> None:
        async def test(group_commit: GroupCommit, gate: Gate) -> None:
            first = asyncio.create_task(group_commit.submit(a_submission()))
            await gate.has_one_inside()
            gone = asyncio.create_task(group_commit.submit(a_submission(key="a")))
            await asyncio.sleep(0)
            gone.cancel()
            gate.opened.set()
            await first
            await group_commit.submit(a_submission())
            assert not (await group_commit.submit(a_submission(key="a"))).replayed

        run(core, test)
        assert stored(core) == 3
