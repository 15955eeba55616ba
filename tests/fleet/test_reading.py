"""When credentials are refused, a new client is made, and no object that was read is lost."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from itertools import repeat

from fleet.events import Event
from fleet.kubernetes.connection import ApiServer
from fleet.sources.kubernetes.member import SERVICES, MemberReader
from tests.fleet.api_dialogue import PATIENCE, Dialogue, dialogue, failure, listing
from tests.fleet.rigs import line
from tests.support.builders import service

CART = service("cart").manifest


class TokenedMember:
    """A member that is read with one token after the other, and the events that it emits."""

    def __init__(self, api: Dialogue) -> None:
        self.api = api
        self.said: list[str] = []
        self.refused: set[str] = set()
        self.tokens: Iterator[str] = iter(("first", "second"))
        self.member = MemberReader("one", self._connect, self._say)
        self.on_event: Callable[[], object] = lambda: None
        self._news = asyncio.Event()

    async def until(self, *said: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while tuple(self.said) != said:
                self._news.clear()
                await self._news.wait()
        self.said.clear()

    async def answer_all(self) -> None:
        """Answer lists in full, watches not at all, and refuse some tokens."""
        while True:
            asked = await self.api.next()
            token = asked.authorization.removeprefix("Bearer ")
            if token in self.refused:
                asked.answer(401, failure(401))
            elif asked.is_watch:
                asked.open()
            else:
                items = [CART] if asked.path == SERVICES.path else []
                asked.answer(200, listing(*items, position="7"))

    async def _connect(self) -> ApiServer:
        return await self.api.client(next(self.tokens))

    def _say(self, events: Sequence[Event]) -> None:
        self.said += map(line, events)
        self._news.set()
        self.on_event()


def test_refused_credentials_are_asked_for_again() -> None:
    async def run() -> None:
        async with dialogue() as api:
            reader = TokenedMember(api)
            tasks = [
                asyncio.create_task(work) for work in (reader.member.run(), reader.answer_all())
            ]
            await reader.until("upserted Service default/cart in one", "listed one")
            reader.refused.add("first")
            await reader.member.refresh()
            await reader.until("unreachable one", "listed one")
            assert next(reader.tokens, "") == ""
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    asyncio.run(run())


def test_a_refresh_ends_though_a_refusal_has_cut_off_the_other_lists() -> None:
    async def refuse_services(api: Dialogue) -> None:
        """Refuse the list of Services, and leave all other requests without an answer."""
        while True:
            if (asked := await api.next()).path == SERVICES.path:
                asked.answer(401, failure(401))

    async def run() -> None:
        async with dialogue() as api:
            reader = TokenedMember(api)
            reader.tokens = repeat("expired")
            work = (reader.member.run(), refuse_services(api))
            tasks = [asyncio.create_task(each) for each in work]
            await reader.until("unreachable one")
            async with asyncio.timeout(PATIENCE):
                await reader.member.refresh()
            assert reader.said == [], "it stays unreachable, for the same reason"
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    asyncio.run(run())


def test_a_cancellation_that_meets_refused_credentials_is_obeyed() -> None:
    async def run() -> None:
        async with dialogue() as api:
            reader = TokenedMember(api)
            reader.refused.add("first")
            answering = asyncio.create_task(reader.answer_all())
            running = asyncio.create_task(reader.member.run())

            def leave() -> None:
                reader.on_event = lambda: None
                running.cancel()

            reader.on_event = leave  # it is called at the moment of the refusal
            done, _ = await asyncio.wait([running], timeout=PATIENCE)
            assert done == {running}
            answering.cancel()
            await asyncio.wait([answering])

    asyncio.run(run())
