"""Only referenced Secrets are read, and the newest version counts, from a read or a watch."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from fleet.events import Awaited, Event, Refused, Unreachable, Upserted
from fleet.kubernetes.connection import Query, Reply
from fleet.models import Secret
from fleet.problem import Problem
from fleet.ref import HUB, Ref
from fleet.sources.kubernetes.reading import OriginReader, OriginState
from fleet.sources.kubernetes.secret_watches import SecretWatches, WatchLimits
from fleet.sources.kubernetes.secrets import ReferencedSecrets
from tests.fleet.api_dialogue import (
    PATIENCE,
    Dialogue,
    PendingRequest,
    dialogue,
    event,
    failure,
    listing,
)
from tests.fleet.rigs import line
from tests.support.api_double import ApiDouble
from tests.support.builders import ingress, secret
from tests.support.loop_time import ForwardLoop

CERT, OTHER = secret("cert", {"tls.crt": "YQ=="}), secret("other", {"tls.crt": "Yg=="})
THIRD = secret("third")
SAID = "upserted Secret default/cert"
GONE = "deleted Secret default/cert"
REFUSED = "refused Secret default/cert: SecretUnreadable"
SHOP, CART = ingress("shop").ref(), ingress("cart").ref()

BY_NAME = WatchLimits()
BY_NAMESPACE = WatchLimits(by_name=0)
BY_HUB = WatchLimits(by_name=0, by_namespace=0)
WAYS = {"by-name": BY_NAME, "by-namespace": BY_NAMESPACE, "by-hub": BY_HUB}
WIDE = {name: way for name, way in WAYS.items() if way is not BY_NAME}


def version(position: str, data: str) -> dict[str, Any]:
    """The Secret cert as a server sends it."""
    manifest = secret("cert", {"tls.crt": data}).manifest
    manifest["metadata"]["resourceVersion"] = position
    return manifest


OTHER_METADATA = {**OTHER.manifest["metadata"], "resourceVersion": "5"}


class Holder:
    """Reads and watches Secrets that a test needs, and keeps the events about them.

    `awaited` are those of the Awaited events, and `said` has all other events.
    """

    def __init__(self, api: Dialogue, limits: WatchLimits, namespaces: Sequence[str]) -> None:
        self.api = api
        self.said: list[str] = []
        self.awaited: list[Ref] = []
        self.held: list[str] = []
        self.users = [SHOP]
        self.problems: list[Problem] = []
        self.trouble = ""
        self.reading = OriginReader(HUB, api.client, self._stand)
        self.secrets = ReferencedSecrets(self._say, self._turn, lambda _: self.users)
        self.watches = SecretWatches(self.reading, self.secrets, namespaces, limits)
        self._news = asyncio.Event()

    async def run(self) -> None:
        await self.reading.run(beside=lambda server: self.secrets.run(server, self.watches.wake))

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self._news.clear()
                await self._news.wait()

    def need(self, *refs: Ref) -> None:
        self.watches.need(refs or [CERT.ref()])

    async def reads(self, position: str = "7") -> PendingRequest:
        """Answer the list before a watch, and give the request for the Secret that follows."""
        listed = await self.api.asked()
        assert listed.query["limit"] == "1"
        listed.answer(200, listing(position=position))
        asked = await self.api.asked()
        assert asked.path == "/api/v1/namespaces/default/secrets/cert"
        return asked

    async def watching(self, status: int = 200, body: object = None) -> PendingRequest:
        """Need cert, answer the request for it, and give the watch that follows."""
        self.need()
        (await self.reads()).answer(status, body or version("5", "YQ=="))
        watch = await self.api.asked()
        assert watch.query["resourceVersion"] == "7"
        watch.open()
        await self.until(lambda: self.secrets.is_complete)
        return watch

    def _say(self, events: Sequence[Event]) -> None:
        for each in events:
            if isinstance(each, Awaited):
                self.awaited.append(each.ref)
                continue
            self.said.append(line(each))
            if isinstance(each, Refused):
                self.problems = list(each.problems)
            if isinstance(each, Upserted) and isinstance(each.value, Secret):
                self.held.append(each.value.data["tls.crt"])
        self._turn()

    def _stand(self, standing: OriginState) -> None:
        self.trouble = standing.message if isinstance(standing, Unreachable) else ""
        self._turn()

    def _turn(self) -> None:
        self._news.set()


@asynccontextmanager
async def holding(limits: WatchLimits, namespaces: Sequence[str] = ()) -> AsyncIterator[Holder]:
    async with dialogue() as api:
        holder = Holder(api, limits, namespaces)
        running = asyncio.create_task(holder.run())
        try:
            yield holder
        finally:
            running.cancel()
            await asyncio.wait([running])
        if not running.cancelled():
            running.result()


def play(
    script: Callable[[Holder, Dialogue], Awaitable[None]],
    limits: WatchLimits = BY_NAME,
    namespaces: Sequence[str] = (),
) -> None:
    async def run() -> None:
        async with holding(limits, namespaces) as holder:
            await script(holder, holder.api)

    asyncio.run(run())


@pytest.fixture(params=WAYS.values(), ids=list(WAYS))
def way(request: pytest.FixtureRequest) -> WatchLimits:
    """Limits by which Secrets are watched by name, by namespace, or by one watch for the hub."""
    found: WatchLimits = request.param
    return found


@pytest.fixture(params=WIDE.values(), ids=list(WIDE))
def wide(request: pytest.FixtureRequest) -> WatchLimits:
    """Limits by which a watch covers more than one Secret."""
    found: WatchLimits = request.param
    return found


# -- requests --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "path", "selector"),
    [
        pytest.param(
            BY_NAME, "/api/v1/namespaces/default/secrets", "metadata.name=cert", id="by-name"
        ),
        pytest.param(
            BY_NAMESPACE,
            "/api/v1/namespaces/default/secrets",
            "type!=helm.sh/release.v1,type!=kubernetes.io/service-account-token",
            id="by-namespace",
        ),
        pytest.param(
            BY_HUB,
            "/api/v1/secrets",
            "type!=helm.sh/release.v1,type!=kubernetes.io/service-account-token",
            id="by-hub",
        ),
    ],
)
def test_a_secret_is_read_by_its_name_once_there_is_a_position_to_watch_from(
    limits: WatchLimits, path: str, selector: str
) -> None:
    async def script(holder: Holder, api: Dialogue) -> None:
        holder.need()
        listed = await api.asked()
        assert (listed.path, listed.query) == (path, {"fieldSelector": selector, "limit": "1"})
        listed.answer(200, listing(OTHER.manifest, position="7", more="token"))
        asked = await api.asked()
        assert asked.path == "/api/v1/namespaces/default/secrets/cert"
        asked.answer(200, version("5", "YQ=="))
        watch = await api.asked()
        assert (watch.path, watch.is_watch) == (path, True)
        assert (watch.query["fieldSelector"], watch.query["resourceVersion"]) == (selector, "7")
        assert holder.secrets.is_complete
        assert holder.said == [SAID]

    play(script, limits)


def test_nothing_is_asked_while_nobody_needs_a_secret() -> None:
    async def script(holder: Holder, api: Dialogue) -> None:
        holder.need()
        holder.watches.drop([CERT.ref()])
        holder.need(OTHER.ref())
        assert "metadata.name=other" in (await api.asked()).query["fieldSelector"]

    play(script)


def test_many_secrets_have_a_watch_for_each_namespace_and_more_have_one() -> None:
    limits = WatchLimits(by_name=4, by_namespace=2)

    def refs(namespace: str, count: int) -> list[Ref]:
        return [Ref(HUB, "Secret", namespace, f"s{number}") for number in range(count)]

    def ways(holder: Holder) -> set[tuple[str, bool]]:
        """Each watch by its namespace, and whether it watches one Secret by name."""
        found = holder.watches.collections
        return {(each.namespace, "metadata.name" in each.field_selector) for each in found}

    async def script(holder: Holder, api: Dialogue) -> None:
        holder.need(*refs("a", 4))
        assert ways(holder) == {("a", True)}
        assert len(holder.watches.collections) == 4
        holder.need(*refs("b", 1))
        assert ways(holder) == {("a", False), ("b", False)}
        holder.need(*refs("c", 1))
        assert ways(holder) == {("", False)}
        holder.watches.drop(refs("c", 1))
        assert ways(holder) == {("", False)}, "it may be back at once"
        holder.watches.drop(refs("b", 1))
        assert ways(holder) == {("a", False)}
        holder.watches.drop(refs("a", 1))
        assert ways(holder) == {("a", True)}
        assert len(holder.watches.collections) == 3

    play(script, limits)


def test_another_way_to_watch_loses_nothing() -> None:
    async def script(holder: Holder, api: Dialogue) -> None:
        await holder.watching()
        holder.need(OTHER.ref())
        listed = await api.asked()
        assert listed.query["fieldSelector"].startswith("type!=")
        listed.answer(200, listing(position="20"))
        for _ in range(2):
            asked = await api.asked()
            is_cert = asked.path.endswith("/cert")
            other = OTHER.manifest | {"metadata": OTHER_METADATA}
            asked.answer(200, version("15", "bmV3") if is_cert else other)
        watch = await api.asked()
        assert watch.query["resourceVersion"] == "20"
        assert not holder.watches.collections[0].field_selector.startswith("metadata")
        assert sorted(holder.said) == sorted([SAID, SAID, "upserted Secret default/other"])
        watch.say(event("MODIFIED", version("21", "bmV3ZXI="), "21"))
        await holder.until(lambda: holder.held[-1] == "bmV3ZXI=")

    play(script, WatchLimits(by_name=1))


# -- the version that counts -----------------------------------------------------------------------


def test_of_other_secrets_nothing_is_said(way: WatchLimits) -> None:
    async def script(holder: Holder, api: Dialogue) -> None:
        watch = await holder.watching(404, failure(404))
        watch.say(event("ADDED", OTHER.manifest, "8"), event("ADDED", CERT.manifest, "9"))
        await holder.until(lambda: holder.said == [GONE, SAID])

    play(script, way)


def test_an_answer_that_the_watch_has_overtaken_does_not_count(wide: WatchLimits) -> None:
    async def script(holder: Holder, api: Dialogue) -> None:
        watch = await holder.watching()
        holder.need(OTHER.ref())
        asked = await api.asked()
        metadata = {**OTHER_METADATA, "resourceVersion": "10"}
        watch.say(event("MODIFIED", OTHER.manifest | {"metadata": metadata}, "10"))
        await holder.until(lambda: holder.held == ["YQ==", "Yg=="])
        old = secret("other", {"tls.crt": "b2xk"}).manifest
        old["metadata"]["resourceVersion"] = "9"
        asked.answer(200, old)
        await holder.until(lambda: holder.secrets.is_complete)
        watch.say(event("MODIFIED", version("100", "bmV3ZXI="), "100"))
        await holder.until(lambda: holder.held[-1] == "bmV3ZXI=")
        assert holder.held == ["YQ==", "Yg==", "bmV3ZXI="]

    play(script, wide)


def test_what_the_watch_says_late_does_not_count(way: WatchLimits) -> None:
    async def script(holder: Holder, api: Dialogue) -> None:
        watch = await holder.watching(200, version("10", "bmV3"))
        watch.say(
            event("MODIFIED", version("9", "b2xk"), "9"),
            event("DELETED", version("11", "bmV3"), "11"),
        )
        await holder.until(lambda: holder.said == [SAID, "deleted Secret default/cert"])
        assert holder.held == ["bmV3"]

    play(script, way)


def test_a_secret_that_is_made_while_it_is_asked_for_is_there(wide: WatchLimits) -> None:
    async def script(holder: Holder, api: Dialogue) -> None:
        watch = await holder.watching()
        holder.need(OTHER.ref())
        asked = await api.asked()
        assert asked.path.endswith("/other")
        made = OTHER.manifest | {"metadata": {**OTHER_METADATA, "resourceVersion": "10"}}
        watch.say(event("ADDED", made, "10"))
        await holder.until(lambda: holder.held == ["YQ==", "Yg=="])
        asked.answer(404, failure(404))
        await holder.until(lambda: holder.secrets.is_complete)
        watch.say(event("MODIFIED", version("11", "bmV3"), "11"))
        await holder.until(lambda: len(holder.held) == 3)
        assert "deleted Secret default/other" not in holder.said

    play(script, wide)


def test_a_secret_that_nobody_needs_any_more_is_forgotten(way: WatchLimits) -> None:
    async def script(holder: Holder, api: Dialogue) -> None:
        await holder.watching()
        holder.watches.drop([CERT.ref()])
        assert holder.said == [SAID, "deleted Secret default/cert"]
        assert holder.watches.collections == []

    play(script, way)


def test_a_server_that_was_restored_from_a_backup_is_believed(way: WatchLimits) -> None:
    """The positions of such a server are lower than the known ones."""

    async def script(holder: Holder, api: Dialogue) -> None:
        watch = await holder.watching(200, version("1000", "bmV3"))
        watch.say({"type": "ERROR", "object": failure(410)})
        (await holder.reads("50")).answer(200, version("40", "b2xk"))
        await holder.until(lambda: holder.held[1:] == ["b2xk"])
        watch = await api.asked()
        assert watch.query["resourceVersion"] == "50"
        watch.say(event("MODIFIED", version("51", "bmV3ZXI="), "51"))
        await holder.until(lambda: holder.held[2:] == ["bmV3ZXI="])

    play(script, way)


def test_after_a_gap_every_needed_secret_is_read_again(way: WatchLimits) -> None:
    async def script(holder: Holder, api: Dialogue) -> None:
        watch = await holder.watching()
        watch.say({"type": "ERROR", "object": failure(410)})
        (await holder.reads("90")).answer(404, failure(404))
        await holder.until(lambda: holder.said == [SAID, "deleted Secret default/cert"])

    play(script, way)


# -- awaited Secrets -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        pytest.param(200, version("5", "YQ=="), SAID, id="there"),
        pytest.param(404, failure(404), GONE, id="not-there"),
        pytest.param(403, failure(403, "no"), REFUSED, id="refused"),
    ],
)
def test_a_secret_is_awaited_until_the_server_has_answered(
    status: int, body: object, outcome: str, way: WatchLimits
) -> None:
    async def script(holder: Holder, api: Dialogue) -> None:
        holder.need()
        assert (holder.awaited, holder.said) == ([CERT.ref()], [])
        (await holder.reads()).answer(status, body)
        await holder.until(lambda: holder.said == [outcome])
        assert holder.awaited == [CERT.ref()]

    play(script, way)


def test_a_secret_that_is_known_is_not_awaited_when_it_is_read_again(way: WatchLimits) -> None:
    async def script(holder: Holder, api: Dialogue) -> None:
        watch = await holder.watching()
        watch.say(event("ERROR", failure(410), "9"))
        (await holder.reads()).answer(404, failure(404))
        await holder.until(lambda: holder.said == [SAID, GONE])
        assert holder.awaited == [CERT.ref()]

    play(script, way)


def test_a_secret_that_nobody_needs_any_more_is_not_awaited(way: WatchLimits) -> None:
    async def script(holder: Holder, api: Dialogue) -> None:
        holder.need()
        holder.watches.drop([CERT.ref()])
        assert (holder.awaited, holder.said) == ([CERT.ref()], [GONE])
        holder.need()
        assert holder.awaited == [CERT.ref(), CERT.ref()]

    play(script, way)


def test_a_server_that_answers_about_no_secret_is_not_awaited_for_ever() -> None:
    async def waiting(loop: ForwardLoop) -> None:
        said: list[Event] = []
        secrets = ReferencedSecrets(said.extend, lambda: None, lambda _: [SHOP])
        secrets.need([CERT.ref(), OTHER.ref()])
        assert said == [Awaited(CERT.ref()), Awaited(OTHER.ref())]

        async def pass_time(seconds: float) -> list[str]:
            said.clear()
            loop.ahead += seconds
            for _ in range(3):
                await asyncio.sleep(0)
            return [line(each) for each in said]

        assert await pass_time(6) == []
        await secrets.read_again(Answering(), {CERT.ref()})
        assert await pass_time(6) == [], "it has answered about another Secret"
        assert await pass_time(6) == ["refused Secret default/other: SecretUnreadable"]
        assert await pass_time(60) == []
        await secrets.read_again(Answering(), {OTHER.ref()})
        assert line(said[-1]) == "upserted Secret default/other"
        secrets.need([THIRD.ref()])
        secrets.retire()
        assert await pass_time(60) == []

    loop = ForwardLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(waiting(loop))


# -- refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "status", [pytest.param(403, id="forbidden"), pytest.param(400, id="bad-request")]
)
def test_a_secret_that_is_refused_is_a_problem_of_who_references_it(
    status: int, way: WatchLimits
) -> None:
    async def script(holder: Holder, api: Dialogue) -> None:
        await holder.watching(status, failure(status, "not for you"))
        assert holder.said == [REFUSED]
        await holder.until(lambda: holder.trouble == "")
        (problem,) = holder.problems
        assert (problem.at, problem.key, problem.value) == (SHOP, "spec.tls", "cert")
        assert "not for you" in problem.message

    play(script, way)


def test_a_refused_secret_is_asked_for_again_until_it_can_be_read(way: WatchLimits) -> None:
    async def script(holder: Holder, api: Dialogue) -> None:
        await holder.watching(403, failure(403, "no"))
        for _ in range(2):
            (await api.asked()).answer(403, failure(403, "no"))
        (await api.asked()).answer(200, version("5", "YQ=="))
        await holder.until(lambda: holder.held == ["YQ=="])
        assert holder.said == [REFUSED, SAID]

    play(script, way)


def test_what_the_watch_says_of_a_refused_secret_counts(way: WatchLimits) -> None:
    async def script(holder: Holder, api: Dialogue) -> None:
        watch = await holder.watching(403, failure(403, "no"))
        again = await api.asked()
        watch.say(event("MODIFIED", version("9", "bmV3"), "9"))
        await holder.until(lambda: holder.said == [REFUSED, SAID])
        again.answer(403, failure(403, "asked for before the watch told"))
        watch.say(event("MODIFIED", version("10", "bmV3ZXI="), "10"))
        await holder.until(lambda: len(holder.held) == 2)
        assert holder.said == [REFUSED, SAID, SAID]

    play(script, way)


def test_whoever_comes_to_reference_a_refused_secret_has_the_problem_too(
    way: WatchLimits,
) -> None:
    async def script(holder: Holder, api: Dialogue) -> None:
        await holder.watching(403, failure(403, "no"))
        holder.users = [SHOP, CART]
        holder.secrets.users_changed()
        assert [problem.at for problem in holder.problems] == [SHOP, CART]
        said = len(holder.said)
        holder.secrets.users_changed()
        assert len(holder.said) == said
        holder.watches.drop([CERT.ref()])
        holder.secrets.users_changed()
        assert holder.said[said:] == ["deleted Secret default/cert"]

    play(script, way)


def test_a_secret_that_may_be_read_but_not_watched_is_read_now_and_then() -> None:
    async def script(holder: Holder, api: Dialogue) -> None:
        holder.need()
        for number in range(5):
            (await api.asked()).answer(403, failure(403, "you may not list"))
            asked = await api.asked()
            assert asked.path.endswith("/secrets/cert")
            asked.answer(200, version(str(number), "YQ==" if number < 4 else "bmV3"))
        await holder.until(lambda: holder.held == ["YQ==", "bmV3"])
        assert (holder.trouble, holder.problems) == ("", [])

    play(script)


def test_secrets_of_a_namespace_that_may_not_be_watched_are_problems() -> None:
    async def script(holder: Holder, api: Dialogue) -> None:
        holder.need()
        for _ in range(3):
            (await api.asked()).answer(403, failure(403, "you may not list"))
        await holder.until(lambda: holder.said == [REFUSED])
        assert "does not let fleetgate list secrets: you may not list" in holder.problems[0].message
        assert holder.secrets.is_complete
        holder.need(OTHER.ref())
        assert holder.secrets.is_complete
        assert holder.said[1:] == ["refused Secret default/other: SecretUnreadable"]
        assert holder.trouble == ""

    play(script, BY_NAMESPACE)


def test_a_hub_whose_secrets_may_not_be_listed_is_watched_by_namespace() -> None:
    async def script(holder: Holder, api: Dialogue) -> None:
        holder.need()
        for _ in range(3):
            asked = await api.asked()
            assert asked.path == "/api/v1/secrets"
            asked.answer(403, failure(403, "you may not list"))
        asked = await api.asked()
        assert asked.path == "/api/v1/namespaces/default/secrets"
        asked.answer(200, listing(position="7"))
        (await api.asked()).answer(200, version("5", "YQ=="))
        await holder.until(lambda: holder.said == [SAID])
        assert (holder.trouble, holder.problems) == ("", [])

    play(script, BY_HUB)


def test_a_denial_that_is_over_in_a_moment_is_none() -> None:
    """An API server that has just started gives such an answer."""

    async def script(holder: Holder, api: Dialogue) -> None:
        holder.need()
        for _ in range(2):
            (await api.asked()).answer(403, failure(403, "no such role"))
        (await holder.reads()).answer(200, version("5", "YQ=="))
        await holder.until(lambda: holder.said == [SAID])
        assert holder.trouble == ""

    play(script, BY_NAMESPACE)


def test_references_are_followed_in_the_namespaces_that_the_operator_names() -> None:
    shop = secret("cert").in_namespace("shop").ref()

    async def script(holder: Holder, api: Dialogue) -> None:
        holder.need(shop, CERT.ref())
        assert holder.said == ["refused Secret shop/cert: SecretUnreadable"]
        why = "--secret-namespace names default, and not shop"
        assert why in holder.problems[0].message
        (await holder.reads()).answer(200, version("5", "YQ=="))
        await holder.until(lambda: holder.secrets.is_complete)
        assert len(holder.watches.collections) == 1
        holder.watches.drop([shop])
        assert holder.said[-1] == "deleted Secret shop/cert"

    play(script, namespaces=["default"])


# -- a server in trouble ---------------------------------------------------------------------------


def test_a_busy_server_is_trouble_until_it_answers(way: WatchLimits) -> None:
    async def script(holder: Holder, api: Dialogue) -> None:
        holder.need()
        (await holder.reads()).answer(503, failure(503, "no"))
        await holder.until(lambda: holder.trouble != "")
        assert "HTTP 503 to get secrets: no" in holder.trouble
        (await holder.reads("9")).answer(200, version("5", "YQ=="))
        await holder.until(lambda: holder.trouble == "")
        assert holder.said == [SAID]

    play(script, way)


def test_a_server_that_is_busy_while_it_is_watched_is_asked_why(wide: WatchLimits) -> None:
    async def script(holder: Holder, api: Dialogue) -> None:
        await holder.watching()
        holder.need(OTHER.ref())
        (await api.asked()).answer(503, failure(503, "no"))
        (await api.asked()).answer(503, failure(503, "no"))
        await holder.until(lambda: holder.trouble != "")
        assert "HTTP 503 to list secrets: no" in holder.trouble

    play(script, wide)


@pytest.mark.parametrize(
    "answer",
    [[], {"kind": "Status"}, {"metadata": "text"}, {"metadata": {"name": "cert"}}],
    ids=["a-list", "no-metadata", "other-metadata", "no-position"],
)
def test_an_answer_that_is_no_secret_is_trouble(answer: object) -> None:
    async def script(holder: Holder, api: Dialogue) -> None:
        holder.need()
        (await holder.reads()).answer(200, answer)
        await holder.until(lambda: holder.trouble != "")
        assert holder.trouble.endswith(": the answer is no Secret of Kubernetes")
        (await holder.reads("9")).answer(200, version("5", "YQ=="))
        await holder.until(lambda: holder.said == [SAID])

    play(script)


def test_a_server_that_fails_now_and_then_is_trouble_and_no_problem_of_a_secret(
    way: WatchLimits,
) -> None:
    async def script(holder: Holder, api: Dialogue) -> None:
        holder.need()
        for _ in range(2):
            for _ in range(2):
                (await holder.reads()).answer(500, failure(500, "etcdserver: leader changed"))
            await holder.until(lambda: holder.trouble != "")
            assert "HTTP 500 to get secrets: etcdserver" in holder.trouble
            assert not holder.secrets.is_complete
            assert not holder.problems
            (await holder.reads()).answer(200, version("5", "YQ=="))
            await holder.until(lambda: holder.trouble == "")
            (await api.asked()).say({"type": "ERROR", "object": failure(410)})
        assert holder.said == [SAID]

    play(script, way)


def test_a_secret_that_a_server_fails_on_each_time_is_a_problem_of_who_references_it(
    way: WatchLimits,
) -> None:
    async def script(holder: Holder, api: Dialogue) -> None:
        holder.need()
        for _ in range(3):
            (await holder.reads()).answer(500, failure(500, "no matching prefix found"))
        await holder.until(lambda: holder.said == [REFUSED])
        assert holder.secrets.is_complete
        assert "no matching prefix found" in holder.problems[0].message
        await holder.until(lambda: holder.trouble == "")
        asked = {(await api.asked()).path.rpartition("/")[2] for _ in range(2)}
        assert asked == {"secrets", "cert"}  # the list of the watch, and the Secret again

    play(script, way)


class Answering(ApiDouble):
    """A server that has all Secrets."""

    def __init__(self) -> None:
        """There is no connection."""

    async def answer(self, method: str, path: str, query: Query) -> Reply:
        *_, namespace, _, name = path.split("/")
        manifest = secret(name).in_namespace(namespace).manifest
        manifest["metadata"]["resourceVersion"] = "5"
        return Reply(200, json.dumps(manifest).encode())


class BusyServer(Answering):
    """A server that gives each Secret after a turn of the loop, and counts open requests."""

    def __init__(self) -> None:
        self.open = self.most = self.answered = 0

    async def answer(self, method: str, path: str, query: Query) -> Reply:
        self.open += 1
        self.most = max(self.most, self.open)
        await asyncio.sleep(0)
        self.open -= 1
        self.answered += 1
        return await super().answer(method, path, query)


def test_no_more_secrets_are_read_at_the_same_time_in_many_namespaces_than_in_one() -> None:
    """Each takes a connection, which costs memory here and work at the server."""

    async def read(namespaces: int) -> BusyServer:
        server, secrets = (
            BusyServer(),
            ReferencedSecrets(lambda _: None, lambda: None, lambda _: ()),
        )
        parts = [
            frozenset(secret(f"s{i}").in_namespace(f"n{n}").ref() for i in range(50))
            for n in range(namespaces)
        ]
        for part in parts:
            secrets.need(part)
        await asyncio.gather(*(secrets.read_again(server, part) for part in parts))
        assert server.answered == 50 * namespaces
        assert secrets.is_complete
        return server

    one, many = (asyncio.run(read(namespaces)) for namespaces in (1, 20))
    assert many.most == one.most
