"""Only Secrets that somebody needs are read, and the newest version counts, whoever brings it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fleet.events import Event, Upserted
from fleet.kubernetes.reflector import Reflector
from fleet.models import Secret
from fleet.sources.kubernetes.secrets import SECRETS, ReferencedSecrets
from tests.fleet.api_dialogue import PATIENCE, Asked, Dialogue, dialogue, event, failure, listing
from tests.fleet.rigs import line
from tests.support.builders import secret

CERT, OTHER = secret("cert", {"tls.crt": "YQ=="}), secret("other", {"tls.crt": "Yg=="})
SAID = "upserted Secret default/cert"


def version(position: str, data: str) -> dict[str, Any]:
    """The Secret cert as a server has it."""
    manifest = secret("cert", {"tls.crt": data}).manifest
    manifest["metadata"]["resourceVersion"] = position
    return manifest


class Holder:
    """The Secrets that are needed, followed, and what came of it."""

    def __init__(self, api: Dialogue) -> None:
        self.api = api
        self.said: list[str] = []
        self.held: list[str] = []
        self.secrets = ReferencedSecrets(self._say, self._turn)
        self.reflector = Reflector(SECRETS, self.secrets, self._turn)
        self._news = asyncio.Event()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def watching(self) -> Asked:
        """Have it watch from position 7 on, needing nothing."""
        (await self.api.asked()).answer(200, listing(OTHER.manifest, position="7"))
        watch = await self.api.asked()
        watch.open()
        return watch

    def _say(self, events: Sequence[Event]) -> None:
        for each in events:
            self.said.append(line(each))
            if isinstance(each, Upserted) and isinstance(each.value, Secret):
                self.held.append(each.value.data["tls.crt"])
        self._turn()

    def _turn(self) -> None:
        self._news.set()


@asynccontextmanager
async def holding() -> AsyncIterator[Holder]:
    async with dialogue() as api:
        holder = Holder(api)
        client = await api.client()
        running = [
            asyncio.create_task(holder.reflector.run(client)),
            asyncio.create_task(holder.secrets.run(client, holder.reflector.wake)),
        ]
        try:
            yield holder
        finally:
            for task in running:
                task.cancel()
            await asyncio.wait(running)
            await client.close()


def play(script: Callable[[Holder, Dialogue], Awaitable[None]]) -> None:
    async def run() -> None:
        async with holding() as holder:
            await script(holder, holder.api)

    asyncio.run(run())


def test_secrets_are_not_listed() -> None:
    async def script(holder: Holder, api: Dialogue) -> None:
        first = await api.asked()
        assert first.query["limit"] == "1"
        assert "type!=helm.sh/release.v1" in first.query["fieldSelector"]
        first.answer(200, listing(OTHER.manifest, position="7", more="token"))
        assert (await api.asked()).query["resourceVersion"] == "7"
        assert holder.said == []

    play(script)


def test_a_secret_is_read_by_its_name_when_it_is_needed() -> None:
    async def script(holder: Holder, api: Dialogue) -> None:
        await holder.watching()
        holder.secrets.need([CERT.ref()])
        assert not holder.secrets.is_complete
        asked = await api.asked()
        assert asked.path == "/api/v1/namespaces/default/secrets/cert"
        asked.answer(200, version("5", "YQ=="))
        await holder.until(lambda: holder.said == [SAID])
        assert holder.secrets.is_complete

    play(script)


def test_of_other_secrets_nothing_is_said() -> None:
    async def script(holder: Holder, api: Dialogue) -> None:
        watch = await holder.watching()
        holder.secrets.need([CERT.ref()])
        (await api.asked()).answer(404, failure(404))
        watch.say(event("ADDED", OTHER.manifest, "8"), event("ADDED", CERT.manifest, "9"))
        await holder.until(lambda: holder.said == [SAID])

    play(script)


def test_an_answer_that_the_watch_has_overtaken_does_not_count() -> None:
    async def script(holder: Holder, api: Dialogue) -> None:
        watch = await holder.watching()
        holder.secrets.need([CERT.ref()])
        asked = await api.asked()
        watch.say(event("MODIFIED", version("10", "bmV3"), "10"))
        await holder.until(lambda: holder.held == ["bmV3"])
        asked.answer(200, version("9", "b2xk"))
        await holder.until(lambda: holder.secrets.is_complete)
        watch.say(event("MODIFIED", version("100", "bmV3ZXI="), "100"))
        await holder.until(lambda: holder.held[-1] == "bmV3ZXI=")
        assert holder.held == ["bmV3", "bmV3ZXI="]

    play(script)


def test_what_the_watch_says_late_does_not_count() -> None:
    async def script(holder: Holder, api: Dialogue) -> None:
        watch = await holder.watching()
        holder.secrets.need([CERT.ref()])
        (await api.asked()).answer(200, version("10", "bmV3"))
        await holder.until(lambda: holder.held == ["bmV3"])
        watch.say(
            event("MODIFIED", version("9", "b2xk"), "9"),
            event("DELETED", version("11", "bmV3"), "11"),
        )
        await holder.until(lambda: holder.said == [SAID, "deleted Secret default/cert"])
        assert holder.held == ["bmV3"]

    play(script)


def test_a_secret_that_is_made_while_it_is_asked_for_is_there() -> None:
    async def script(holder: Holder, api: Dialogue) -> None:
        watch = await holder.watching()
        holder.secrets.need([CERT.ref()])
        asked = await api.asked()
        watch.say(event("ADDED", version("10", "bmV3"), "10"))
        await holder.until(lambda: holder.held == ["bmV3"])
        asked.answer(404, failure(404))
        await holder.until(lambda: holder.secrets.is_complete)
        watch.say(event("MODIFIED", version("11", "bmV3ZXI="), "11"))
        await holder.until(lambda: len(holder.said) == 2)
        assert holder.said == [SAID, SAID]

    play(script)


def test_a_secret_that_nobody_needs_any_more_is_forgotten() -> None:
    async def script(holder: Holder, api: Dialogue) -> None:
        await holder.watching()
        holder.secrets.need([CERT.ref()])
        (await api.asked()).answer(200, version("5", "YQ=="))
        await holder.until(lambda: holder.said == [SAID])
        holder.secrets.drop([CERT.ref()])
        assert holder.said == [SAID, "deleted Secret default/cert"]
        assert holder.secrets.is_empty

    play(script)


def test_a_secret_that_cannot_be_read_is_trouble_until_it_can() -> None:
    async def script(holder: Holder, api: Dialogue) -> None:
        await holder.watching()
        holder.secrets.need([CERT.ref()])
        (await api.asked()).answer(403, failure(403, "no"))
        (await api.asked()).answer(200, listing(position="8"))
        (await api.asked()).answer(403, failure(403, "no"))
        await holder.until(lambda: holder.reflector.trouble != "")
        assert "does not let fleetgate get secrets: no" in holder.reflector.trouble
        (await api.asked()).answer(200, listing(position="9"))
        (await api.asked()).answer(200, version("5", "YQ=="))
        await holder.until(lambda: holder.reflector.trouble == "")
        assert holder.said == [SAID]

    play(script)


def test_after_a_gap_every_needed_secret_is_read_again() -> None:
    async def script(holder: Holder, api: Dialogue) -> None:
        watch = await holder.watching()
        holder.secrets.need([CERT.ref()])
        (await api.asked()).answer(200, version("5", "YQ=="))
        await holder.until(lambda: holder.said == [SAID])
        watch.say({"type": "ERROR", "object": failure(410)})
        (await api.asked()).answer(200, listing(position="90"))
        (await api.asked()).answer(404, failure(404))
        await holder.until(lambda: holder.said == [SAID, "deleted Secret default/cert"])

    play(script)
