"""A reflector follows a collection through every answer that the protocol allows."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from fleet.events import Event
from fleet.kubernetes.collection import Collection, Unauthorized
from fleet.kubernetes.reflector import Reflector
from fleet.sources.kubernetes.objects import Objects
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
from tests.support.builders import service
from translators.dialects import DIALECTS

SERVICES = Collection(DIALECTS.kinds["Service"], label_selector="app")
CART, SHOP, PAY = (service(name).manifest for name in ("cart", "shop", "pay"))


class Follower:
    """A reflector of Services, with its events and its troubles."""

    def __init__(self, api: Dialogue) -> None:
        self.api = api
        self.news: list[str] = []
        self._turned = asyncio.Event()
        objects = Objects(SERVICES, "one", self._say)
        self.reflector = Reflector(SERVICES, objects, self._stand)

    async def until(self, *news: str) -> None:
        """Wait until exactly these events have come since the last call."""
        async with asyncio.timeout(PATIENCE):
            while len(self.news) < len(news):
                self._turned.clear()
                await self._turned.wait()
        said, self.news = self.news, []
        assert said == list(news)

    def _say(self, events: Sequence[Event]) -> None:
        self.news += [line(each).replace(" in one", "") for each in events]
        self._turned.set()

    def _stand(self) -> None:
        self.news.append(self.reflector.trouble or "listed")
        self._turned.set()


@asynccontextmanager
async def following() -> AsyncIterator[Follower]:
    async with dialogue() as api:
        follower = Follower(api)
        client = await api.client()
        running = asyncio.create_task(follower.reflector.run(client))
        try:
            yield follower
        finally:
            running.cancel()
            await asyncio.wait([running])
            await client.close()
        if not running.cancelled():
            running.result()


def play(script: Callable[[Follower, Dialogue], Awaitable[None]]) -> None:
    async def run() -> None:
        async with following() as follower:
            await script(follower, follower.api)

    asyncio.run(run())


async def listed(follower: Follower) -> PendingRequest:
    """Answer the list with the Service cart at position 7, and give the watch that follows."""
    (await follower.api.asked()).answer(200, listing(CART, position="7"))
    await follower.until("upserted Service default/cart", "listed")
    return await follower.api.asked()


def test_it_lists_and_then_watches_from_there() -> None:
    async def script(follower: Follower, api: Dialogue) -> None:
        first = await api.asked()
        assert (first.path, first.query) == (
            "/api/v1/services",
            {"labelSelector": "app", "limit": "500"},
        )
        assert first.authorization == "Bearer token"
        first.answer(200, listing(CART, position="7"))
        await follower.until("upserted Service default/cart", "listed")
        watch = await api.asked()
        assert 240 <= int(watch.query["timeoutSeconds"]) <= 300
        assert {**watch.query, "timeoutSeconds": ""} == {
            "labelSelector": "app",
            "watch": "1",
            "resourceVersion": "7",
            "allowWatchBookmarks": "true",
            "timeoutSeconds": "",
        }
        watch.say(event("ADDED", SHOP, "8"), event("DELETED", CART, "9"))
        await follower.until("upserted Service default/shop", "deleted Service default/cart")

    play(script)


def test_pages_are_one_list() -> None:
    async def script(follower: Follower, api: Dialogue) -> None:
        (await api.asked()).answer(200, listing(CART, position="7", more="more"))
        second = await api.asked()
        assert second.query["continue"] == "more"
        second.answer(200, listing(SHOP, position="7"))
        await follower.until(
            "upserted Service default/cart", "upserted Service default/shop", "listed"
        )

    play(script)


def test_a_list_whose_token_expires_starts_over() -> None:
    async def script(follower: Follower, api: Dialogue) -> None:
        (await api.asked()).answer(200, listing(CART, position="7", more="more"))
        (await api.asked()).answer(410, failure(410))
        again = await api.asked()
        assert "continue" not in again.query
        again.answer(200, listing(SHOP, position="9"))
        await follower.until("upserted Service default/shop", "listed")
        assert (await api.asked()).query["resourceVersion"] == "9"

    play(script)


def test_a_list_whose_tokens_always_expire_is_read_in_one_piece() -> None:
    async def script(follower: Follower, api: Dialogue) -> None:
        for _ in range(2):
            (await api.asked()).answer(200, listing(CART, position="7", more="more"))
            (await api.asked()).answer(410, failure(410))
        whole = await api.asked()
        assert "limit" not in whole.query
        whole.answer(200, listing(CART, position="8"))
        await follower.until("upserted Service default/cart", "listed")

    play(script)


def test_a_watch_that_ends_goes_on_where_it_stood() -> None:
    async def script(follower: Follower, api: Dialogue) -> None:
        watch = await listed(follower)
        watch.say(event("ADDED", SHOP, "8"))
        watch.end()
        watch = await api.asked()
        assert watch.query["resourceVersion"] == "8"
        watch.say(event("BOOKMARK", {}, "20"))
        watch.end()
        assert (await api.asked()).query["resourceVersion"] == "20"
        await follower.until("upserted Service default/shop")

    play(script)


def test_a_watch_that_is_cut_goes_on_where_it_stood() -> None:
    async def script(follower: Follower, api: Dialogue) -> None:
        watch = await listed(follower)
        watch.say(event("ADDED", SHOP, "8"))
        await follower.until("upserted Service default/shop")
        watch.say(b'{"type": "ADDED", "obj')
        watch.cut()
        watch = await api.asked()
        assert watch.query["resourceVersion"] == "8"
        watch.say(event("ADDED", PAY, "9"))
        await follower.until("upserted Service default/pay")

    play(script)


@pytest.mark.parametrize(
    "forget",
    [
        pytest.param(lambda watch: watch.answer(410, failure(410)), id="status-410"),
        pytest.param(
            lambda watch: watch.say({"type": "ERROR", "object": failure(410, "too old")}),
            id="event-410",
        ),
        pytest.param(lambda watch: watch.say(b"}{\n"), id="garbled-line"),
        pytest.param(lambda watch: watch.say({"type": "NEW", "object": {}}), id="unknown-event"),
        pytest.param(lambda watch: watch.say([1]), id="no-object"),
        pytest.param(lambda watch: watch.say(b"[" * 100_000 + b"\n"), id="nested-without-end"),
        pytest.param(lambda watch: watch.end(), id="a-watch-that-says-nothing"),
    ],
)
def test_it_lists_again_and_says_what_differs(forget: Callable[[PendingRequest], None]) -> None:
    async def script(follower: Follower, api: Dialogue) -> None:
        forget(await listed(follower))
        again = await api.asked()
        assert not again.is_watch
        again.answer(200, listing(SHOP, position="90"))
        await follower.until("deleted Service default/cart", "upserted Service default/shop")
        assert (await api.asked()).query["resourceVersion"] == "90"

    play(script)


def test_a_line_may_be_long() -> None:
    async def script(follower: Follower, api: Dialogue) -> None:
        watch = await listed(follower)
        annotations = {"annotations": {"long": "x" * 900_000}}
        long = {**SHOP, "metadata": {**SHOP["metadata"], **annotations}}
        watch.say(event("ADDED", long, "8"), event("ADDED", PAY, "9"))
        await follower.until("upserted Service default/shop", "upserted Service default/pay")

    play(script)


@pytest.mark.parametrize(
    ("status", "said", "trouble"),
    [
        pytest.param(
            403,
            'User "x" cannot list resource "services"',
            'URL does not let fleetgate list services: User "x" cannot list resource "services"; '
            "its RBAC has to allow get, list and watch on services",
            id="forbidden",
        ),
        pytest.param(
            500, "etcd is away", "URL: HTTP 500 to list services: etcd is away", id="broken"
        ),
        pytest.param(
            200, "", "URL: the answer is no list of Kubernetes objects", id="something-else"
        ),
    ],
)
def test_a_refusal_is_told_and_tried_again(status: int, said: str, trouble: str) -> None:
    async def script(follower: Follower, api: Dialogue) -> None:
        (await api.asked()).answer(status, failure(status, said))
        await follower.until(trouble.replace("URL", api.url))
        (await api.asked()).answer(200, listing(CART, position="7"))
        await follower.until("upserted Service default/cart", "listed")

    play(script)


def test_a_refused_watch_is_told_and_nothing_is_deleted() -> None:
    async def script(follower: Follower, api: Dialogue) -> None:
        (await listed(follower)).answer(403, failure(403))
        await follower.until(
            f"{api.url} does not let fleetgate watch services; "
            "its RBAC has to allow get, list and watch on services"
        )
        (await api.asked()).answer(200, listing(CART, position="8"))
        await follower.until("listed")

    play(script)


def test_a_watch_that_fails_is_told() -> None:
    async def script(follower: Follower, api: Dialogue) -> None:
        (await listed(follower)).say({"type": "ERROR", "object": failure(500, "no leader")})
        await follower.until(f"{api.url}: the watch of services ended: no leader")
        (await api.asked()).answer(200, listing(CART, position="8"))
        await follower.until("listed")

    play(script)


def test_a_kind_that_is_not_known_is_empty_until_it_is_known() -> None:
    async def script(follower: Follower, api: Dialogue) -> None:
        (await api.asked()).answer(404, failure(404, "the server could not find it"))
        await follower.until("listed")
        (await api.asked()).answer(200, listing(CART, position="7"))
        await follower.until("upserted Service default/cart")

    play(script)


def test_a_kind_that_is_suddenly_not_known_keeps_what_it_held() -> None:
    async def script(follower: Follower, api: Dialogue) -> None:
        (await listed(follower)).answer(404, failure(404, "not found"))
        await follower.until(f"{api.url} does not know services (not found)")
        (await api.asked()).answer(404, failure(404, ""))
        await follower.until(f"{api.url} does not know services (404)")
        (await api.asked()).answer(200, listing(CART, position="8"))
        await follower.until("listed")

    play(script)


def test_refused_credentials_end_it_and_others_go_on() -> None:
    async def run() -> None:
        async with dialogue() as api:
            follower = Follower(api)
            old = await api.client("old")
            running = asyncio.create_task(follower.reflector.run(old))
            watch = await listed(follower)
            watch.answer(401, failure(401, "Unauthorized"))
            with pytest.raises(Unauthorized):
                await running
            await old.close()
            await follower.until(f"{api.url}: the credentials are not valid (401: Unauthorized)")
            new = await api.client("new")
            running = asyncio.create_task(follower.reflector.run(new))
            asked = await api.asked()
            assert asked.authorization == "Bearer new"
            asked.answer(200, listing(CART, position="8"))
            await follower.until("listed")
            running.cancel()
            await asyncio.wait([running])
            await new.close()

    asyncio.run(run())


def test_a_refresh_lists_again_while_it_watches() -> None:
    async def script(follower: Follower, api: Dialogue) -> None:
        await listed(follower)
        refresh = asyncio.create_task(follower.reflector.refresh())
        (await api.asked()).answer(200, listing(SHOP, position="8"))
        await refresh
        await follower.until("deleted Service default/cart", "upserted Service default/shop")

    play(script)


def test_a_refresh_is_not_content_with_a_list_that_began_before_it() -> None:
    async def script(follower: Follower, api: Dialogue) -> None:
        before = await api.asked()
        refresh = asyncio.create_task(follower.reflector.refresh())
        await asyncio.sleep(0)
        before.answer(200, listing(CART, position="7"))
        after = await api.asked()
        assert not after.is_watch
        assert not refresh.done()
        after.answer(200, listing(CART, SHOP, position="8"))
        await refresh
        await follower.until(
            "upserted Service default/cart", "listed", "upserted Service default/shop"
        )

    play(script)


def test_a_refresh_does_not_wait_for_a_pause_or_for_success() -> None:
    async def script(follower: Follower, api: Dialogue) -> None:
        busy = {"Retry-After": "3600"}
        (await api.asked()).answer(429, failure(429, "later"), busy)
        await follower.until(f"{api.url}: HTTP 429 to list services: later")
        refresh = asyncio.create_task(follower.reflector.refresh())
        (await api.asked()).answer(429, failure(429, "later"), busy)
        await refresh

    play(script)


def test_a_reflector_that_is_retired_keeps_nobody_waiting() -> None:
    async def script(follower: Follower, api: Dialogue) -> None:
        await api.asked()
        refresh = asyncio.create_task(follower.reflector.refresh())
        await asyncio.sleep(0)
        follower.reflector.retire()
        await asyncio.wait_for(refresh, PATIENCE)

    play(script)
