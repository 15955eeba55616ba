"""Each key waits at most once, and no two workers work on a key at the same time."""

import asyncio
from collections.abc import Callable
from contextvars import Context

import pytest

from fleet.sinks.pending import Pending
from tests.sinks.rig import running


class Work:
    """Work on a key that goes on when the test lets it."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.permits = asyncio.Semaphore(0)
        self.ended: list[str] = []

    async def do(self, key: str) -> None:
        self.begun.append(key)
        await self.permits.acquire()
        self.ended.append(key)

    async def see(self, *, begun: int = 0, ended: int = 0) -> None:
        async with asyncio.timeout(5):
            while len(self.begun) < begun or len(self.ended) < ended:
                await idle()

    def let(self, times: int) -> None:
        for _ in range(times):
            self.permits.release()


async def idle() -> None:
    """Run the loop until no task can go on."""
    for _ in range(20):
        await asyncio.sleep(0)


def test_a_key_that_is_added_often_is_worked_on_once() -> None:
    async def script() -> None:
        work, pending = Work(), Pending[str]()
        pending.add(["a", "b", "a"])
        pending.add(["a"])
        work.let(10)
        async with running(pending.work(work.do, workers=1)):
            await work.see(ended=2)
            await idle()
        assert work.ended == ["a", "b"]

    asyncio.run(script())


def test_a_key_that_changes_during_its_work_comes_again_afterwards_and_once() -> None:
    async def script() -> None:
        work, pending = Work(), Pending[str]()
        async with running(pending.work(work.do, workers=3)):
            pending.add(["a"])
            await work.see(begun=1)
            for _ in range(5):
                pending.add(["a"])
            await idle()
            assert work.begun == ["a"], "two workers have the same key"
            work.let(10)
            await work.see(ended=2)
            await idle()
        assert work.ended == ["a", "a"]

    asyncio.run(script())


def test_so_many_keys_are_worked_on_at_a_time_and_no_more() -> None:
    async def script() -> None:
        work, pending = Work(), Pending[str]()
        pending.add(["a", "b", "c", "d"])
        async with running(pending.work(work.do, workers=2)):
            await work.see(begun=2)
            await idle()
            assert work.begun == ["a", "b"]
            work.let(1)
            await work.see(begun=3)

    asyncio.run(script())


def test_a_key_that_is_being_worked_on_holds_up_no_other() -> None:
    async def script() -> None:
        work, pending = Work(), Pending[str]()
        async with running(pending.work(work.do, workers=2)):
            pending.add(["a"])
            await work.see(begun=1)
            pending.add(["a", "b"])
            await work.see(begun=2)
            assert work.begun == ["a", "b"]

    asyncio.run(script())


def test_what_a_stopped_worker_had_waits_for_the_next_one() -> None:
    async def script() -> None:
        work, pending = Work(), Pending[str]()
        pending.add(["a"])
        async with running(pending.work(work.do, workers=1)):
            await work.see(begun=1)
        work.let(1)
        async with running(pending.work(work.do, workers=1)):
            await work.see(ended=1)
        assert work.ended == ["a"]

    asyncio.run(script())


def test_a_failure_ends_the_work() -> None:
    async def fail(key: str) -> None:
        raise ValueError(key)

    async def script() -> None:
        pending = Pending[str]()
        pending.add(["a"])
        with pytest.RaisesGroup(ValueError):
            await pending.work(fail, workers=1)

    asyncio.run(script())


def test_a_key_wakes_one_worker_however_many_are_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    async def steps(workers: int) -> int:
        work, pending, taken = Work(), Pending[str](), 0
        work.let(10)
        loop = asyncio.get_running_loop()
        call_soon = loop.call_soon

        def counted(
            callback: Callable[..., object], *args: object, context: Context | None = None
        ) -> asyncio.Handle:
            nonlocal taken
            taken += 1
            return call_soon(callback, *args, context=context)

        async with running(pending.work(work.do, workers)):
            await idle()
            with monkeypatch.context() as patched:
                patched.setattr(loop, "call_soon", counted)
                pending.add(["a"])
                await idle()
        assert work.ended == ["a"]
        return taken

    assert asyncio.run(steps(50)) == asyncio.run(steps(1))
