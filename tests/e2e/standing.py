"""An asynchronous context that lasts for all tests of a file. Its loop runs while a test does."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")
A = TypeVar("A")


@dataclass(frozen=True, slots=True)
class Standing(Generic[T]):
    """The value of an entered context, and the loop that it belongs to."""

    value: T
    runner: asyncio.Runner
    holding: asyncio.Task[None]

    def run(self, work: Coroutine[Any, Any, A]) -> A:  # as asyncio.run
        """Run a coroutine to its end. Raises the exception of the context if that has failed."""
        return self.runner.run(self._while_it_stands(work))

    async def _while_it_stands(self, work: Coroutine[Any, Any, A]) -> A:  # as asyncio.run
        doing = asyncio.create_task(work)
        await asyncio.wait({doing, self.holding}, return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            doing.cancel()
            self.holding.result()
        return await doing


@contextmanager
def standing(context: AbstractAsyncContextManager[T]) -> Iterator[Standing[T]]:
    """Enter a context, and leave it at the end of the block, in one task as task groups demand."""
    with asyncio.Runner() as runner:
        entered: asyncio.Future[T] = runner.get_loop().create_future()
        leave = asyncio.Event()

        async def hold() -> None:
            async with context as value:
                entered.set_result(value)
                await leave.wait()

        async def start() -> tuple[asyncio.Task[None], T]:
            task = asyncio.create_task(hold())
            task.add_done_callback(lambda _: entered.done() or entered.cancel())
            try:
                return task, await entered
            except asyncio.CancelledError:
                await task  # raises the exception that ended it
                raise

        async def end() -> None:
            leave.set()
            await task

        task, value = runner.run(start())
        yield Standing(value, runner, task)
        runner.run(end())
