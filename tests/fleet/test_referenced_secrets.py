"""Only Secrets that somebody needs are read, and the newest version counts, whoever brings it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from fleet.events import Event, Refused, Upserted
from fleet.kubernetes.reflector import Reflector
from fleet.models import Secret
from fleet.problem import Problem
from fleet.sources.kubernetes.secrets import SECRETS, ReferencedSecrets
from tests.fleet.api_dialogue import PATIENCE, Asked, Dialogue, dialogue, event, failure, listing
from tests.fleet.rigs import line
from tests.support.builders import ingress, secret

CERT, OTHER = secret("cert", {"tls.crt": "YQ=="}), secret("other", {"tls.crt": "Yg=="})
SAID = "upserted Secret default/cert"
REFUSED = "refused Secret default/cert: SecretUnreadable"
SHOP, CART = ingress("shop").ref(), ingress("cart").ref()


def version(position: str, data: str) -> dict[str, Any]:
    """The Secret cert as a server has it."""
    manifest = secret("cert", {"tls.crt": data}).manifest
    manifest["metadata"]["resourceVersion"] = position
    return manifest


OTHER_METADATA = {**OTHER.manifest["metadata"], "resourceVersion": "5"}


class Holder:
    """The Secrets that are needed, followed, and what came of it."""

    def __init__(self, api: Dialogue) -> None:
        self.api = api
        self.said: list[str] = []
        self.held: list[str] = []
        self.users = [SHOP]
        self.problems: list[Problem] = []
        self.secrets = ReferencedSecrets(self._say, self._turn, lambda _: self.users)
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
            if isinstance(each, Refused):
                self.problems = list(each.problems)
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


@pytest.mark.parametrize(
    "status", [pytest.param(403, id="forbidden"), pytest.param(400, id="bad-request")]
)
def test_a_secret_that_is_refused_is_a_problem_of_who_references_it(status: int) -> None:
    async def script(holder: Holder, api: Dialogue) -> None:
        await holder.watching()
        holder.secrets.need([CERT.ref(), OTHER.ref()])
        for _ in range(2):
            asked = await api.asked()
            if asked.path.endswith("/cert"):
                asked.answer(status, failure(status, "not for you"))
            else:
                asked.answer(200, OTHER.manifest | {"metadata": OTHER_METADATA})
        await holder.until(lambda: holder.secrets.is_complete)
        assert sorted(holder.said) == [REFUSED, "upserted Secret default/other"]
        assert holder.reflector.trouble == ""
        (problem,) = holder.problems
        assert (problem.at, problem.key, problem.value) == (SHOP, "spec.tls", "cert")
        assert "not for you" in problem.message

    play(script)


def test_a_refused_secret_is_asked_for_again_until_it_can_be_read() -> None:
    async def script(holder: Holder, api: Dialogue) -> None:
        await holder.watching()
        holder.secrets.need([CERT.ref()])
        for _ in range(3):
            (await api.asked()).answer(403, failure(403, "no"))
        (await api.asked()).answer(200, version("5", "YQ=="))
        await holder.until(lambda: holder.held == ["YQ=="])
        assert holder.said == [REFUSED, SAID]
        holder.secrets.need([CERT.ref()])
        (await api.asked()).answer(403, failure(403, "no"))
        (await api.asked()).answer(404, failure(404))
        await holder.until(lambda: holder.said[2:] == [REFUSED, "deleted Secret default/cert"])

    play(script)


def test_what_the_watch_says_of_a_refused_secret_counts() -> None:
    async def script(holder: Holder, api: Dialogue) -> None:
        watch = await holder.watching()
        holder.secrets.need([CERT.ref()])
        (await api.asked()).answer(403, failure(403, "no"))
        await holder.until(lambda: holder.said == [REFUSED])
        again = await api.asked()
        watch.say(event("MODIFIED", version("9", "bmV3"), "9"))
        await holder.until(lambda: holder.said == [REFUSED, SAID])
        again.answer(403, failure(403, "asked for before the watch told"))
        holder.secrets.need([OTHER.ref()])
        assert (await api.asked()).path.endswith("/other")
        assert holder.said == [REFUSED, SAID]

    play(script)


def test_whoever_comes_to_reference_a_refused_secret_has_the_problem_too() -> None:
    async def script(holder: Holder, api: Dialogue) -> None:
        await holder.watching()
        holder.secrets.need([CERT.ref()])
        (await api.asked()).answer(403, failure(403, "no"))
        await holder.until(lambda: holder.said == [REFUSED])
        holder.users = [SHOP, CART]
        holder.secrets.users_changed()
        assert [problem.at for problem in holder.problems] == [SHOP, CART]
        said = len(holder.said)
        holder.secrets.users_changed()
        assert len(holder.said) == said
        holder.secrets.drop([CERT.ref()])
        holder.secrets.users_changed()
        assert holder.said[said:] == ["deleted Secret default/cert"]

    play(script)


def test_a_busy_server_is_trouble_until_it_answers() -> None:
    async def script(holder: Holder, api: Dialogue) -> None:
        await holder.watching()
        holder.secrets.need([CERT.ref()])
        (await api.asked()).answer(503, failure(503, "no"))
        (await api.asked()).answer(200, listing(position="8"))
        (await api.asked()).answer(503, failure(503, "no"))
        await holder.until(lambda: holder.reflector.trouble != "")
        assert "HTTP 503 to get secrets: no" in holder.reflector.trouble
        (await api.asked()).answer(200, listing(position="9"))
        (await api.asked()).answer(200, version("5", "YQ=="))
        await holder.until(lambda: holder.reflector.trouble == "")
        assert holder.said == [SAID]

    play(script)


@pytest.mark.parametrize(
    "answer",
    [[], {"kind": "Status"}, {"metadata": "text"}, {"metadata": {"name": "cert"}}],
    ids=["a-list", "no-metadata", "other-metadata", "no-position"],
)
def test_an_answer_that_is_no_secret_is_trouble(answer: object) -> None:
    async def script(holder: Holder, api: Dialogue) -> None:
        await holder.watching()
        holder.secrets.need([CERT.ref()])
        (await api.asked()).answer(200, answer)
        (await api.asked()).answer(200, listing(position="8"))
        (await api.asked()).answer(200, answer)
        await holder.until(lambda: holder.reflector.trouble != "")
        assert holder.reflector.trouble.endswith(": the answer is no Secret of Kubernetes")
        (await api.asked()).answer(200, listing(position="9"))
        (await api.asked()).answer(200, version("5", "YQ=="))
        await holder.until(lambda: holder.said == [SAID])

    play(script)


def test_a_server_that_was_restored_from_a_backup_is_believed() -> None:
    """Its positions are lower than those that are known."""

    async def script(holder: Holder, api: Dialogue) -> None:
        watch = await holder.watching()
        holder.secrets.need([CERT.ref()])
        (await api.asked()).answer(200, version("1000", "bmV3"))
        await holder.until(lambda: holder.held == ["bmV3"])
        watch.say({"type": "ERROR", "object": failure(410)})
        (await api.asked()).answer(200, listing(position="50"))
        (await api.asked()).answer(200, version("40", "b2xk"))
        await holder.until(lambda: holder.held[1:] == ["b2xk"])
        watch = await api.asked()
        assert watch.query["resourceVersion"] == "50"
        watch.say(event("MODIFIED", version("51", "bmV3ZXI="), "51"))
        await holder.until(lambda: holder.held[2:] == ["bmV3ZXI="])

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


def test_a_server_that_fails_now_and_then_is_trouble_and_no_problem_of_a_secret() -> None:
    async def script(holder: Holder, api: Dialogue) -> None:
        await holder.watching()
        holder.secrets.need([CERT.ref()])
        for _ in range(2):
            for position in ("8", "9"):
                (await api.asked()).answer(500, failure(500, "etcdserver: leader changed"))
                (await api.asked()).answer(200, listing(position=position))
            assert "HTTP 500 to get secrets: etcdserver" in holder.reflector.trouble
            assert not holder.secrets.is_complete
            assert not holder.problems
            (await api.asked()).answer(200, version("5", "YQ=="))
            await holder.until(lambda: holder.reflector.trouble == "")
            assert (await api.asked()).query["watch"] == "1"
            assert holder.said == [SAID]
            holder.secrets.need([CERT.ref()])

    play(script)


def test_a_secret_that_a_server_fails_on_each_time_is_a_problem_of_who_references_it() -> None:
    async def script(holder: Holder, api: Dialogue) -> None:
        await holder.watching()
        holder.secrets.need([CERT.ref()])
        for position in ("8", "9"):
            (await api.asked()).answer(500, failure(500, "no matching prefix found"))
            (await api.asked()).answer(200, listing(position=position))
        (await api.asked()).answer(500, failure(500, "no matching prefix found"))
        await holder.until(lambda: holder.said == [REFUSED])
        assert holder.secrets.is_complete
        assert "no matching prefix found" in holder.problems[0].message
        await holder.until(lambda: holder.reflector.trouble == "")
        asked = {(await api.asked()).path.rpartition("/")[2] for _ in range(2)}
        assert asked == {"secrets", "cert"}  # the watch, and once more the Secret

    play(script)
