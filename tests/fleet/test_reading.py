"""A client whose credentials are refused is made anew, and nothing that was read is lost."""

import asyncio
from collections.abc import Sequence

from fleet.events import Event
from fleet.kubernetes.connection import ApiServer
from fleet.sources.kubernetes.member import SERVICES, Member
from tests.fleet.api_dialogue import PATIENCE, Dialogue, dialogue, failure, listing
from tests.fleet.rigs import line
from tests.support.builders import service

CART = service("cart").manifest


class Plays:
    """A member that is read with one token after the other."""

    def __init__(self, api: Dialogue) -> None:
        self.api = api
        self.said: list[str] = []
        self.tokens = iter(("first", "second"))
        self.member = Member("one", self._connect, self._say)
        self._news = asyncio.Event()

    async def until(self, *said: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while tuple(self.said) != said:
                self._news.clear()
                await self._news.wait()
        self.said.clear()

    async def answer(self, status: int = 200) -> str:
        """Answer one request: lists in full, watches not at all; the token it came with."""
        asked = await self.api.asked()
        if status != 200:
            asked.answer(status, failure(status))
        elif asked.is_watch:
            asked.open()
        else:
            items = [CART] if asked.path == SERVICES.path else []
            asked.answer(200, listing(*items, position="7"))
        return asked.authorization

    async def _connect(self) -> ApiServer:
        return await self.api.client(next(self.tokens))

    def _say(self, events: Sequence[Event]) -> None:
        self.said += map(line, events)
        self._news.set()


def test_refused_credentials_are_asked_for_again() -> None:
    async def run() -> None:
        async with dialogue() as api:
            plays = Plays(api)
            running = asyncio.create_task(plays.member.run())
            for _ in range(2):
                assert await plays.answer() == "Bearer first"
            await plays.until("upserted Service default/cart in one", "listed one")
            refresh = asyncio.create_task(plays.member.refresh())
            while not any("unreachable" in said for said in plays.said):
                await plays.answer(401)
                await asyncio.sleep(0)
            await plays.until("unreachable one")
            while (await plays.answer()) != "Bearer second":
                pass
            await plays.answer()
            await plays.until("listed one")
            await asyncio.wait_for(refresh, PATIENCE)
            running.cancel()
            await asyncio.wait([running])

    asyncio.run(run())


def test_a_cancellation_that_meets_refused_credentials_is_obeyed() -> None:
    async def run() -> None:
        async with dialogue() as api:
            plays = Plays(api)
            running = asyncio.create_task(plays.member.run())

            def leave(_: Sequence[Event]) -> None:
                running.cancel()

            plays.member._emit = leave  # at the moment of the refusal
            await plays.answer(401)
            await asyncio.wait_for(asyncio.wait([running]), PATIENCE)
            assert running.cancelled()

    asyncio.run(run())
