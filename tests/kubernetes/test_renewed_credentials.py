"""When the API server refuses credentials, they are read again and used at once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from fleet.kubernetes.connection import ApiServer, Query, Reply
from fleet.kubernetes.intake import Lines
from fleet.kubernetes.kubeconfig import BadKubeconfig
from fleet.kubernetes.renewed import PAUSE, RenewedServer
from tests.support.api_double import ApiDouble
from tests.support.loop_time import ForwardLoop


class Client(ApiDouble):
    """A client whose credentials are valid, or not."""

    def __init__(self, *, good: bool) -> None:
        self.server = "https://hub"
        self.good = good
        self.asked = 0
        self.watched = 0
        self.closed = False

    async def answer(self, method: str, path: str, query: Query) -> Reply:
        self.asked += 1
        await asyncio.sleep(0)
        return Reply(200 if self.good else 401, b"{}")

    @asynccontextmanager
    async def watch(self, path: str, query: Query) -> AsyncIterator[tuple[int, Lines]]:
        async def lines() -> Lines:
            yield b"{}"

        self.watched += 1
        yield 200, lines()

    async def close(self) -> None:
        self.closed = True


def story(
    clients: Sequence[Client | None], tell: Callable[[RenewedServer, ForwardLoop], Awaitable[None]]
) -> None:
    """Run a script with a server whose configuration gives these clients in turn; None fails."""
    rest = iter(clients[1:])

    async def connect() -> ApiServer:
        if (client := next(rest)) is None:
            raise BadKubeconfig("hub.yaml: the context names no user that is there")
        return client

    async def script() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, ForwardLoop)
        assert clients[0] is not None
        await tell(RenewedServer(connect, clients[0]), loop)

    with asyncio.Runner(loop_factory=ForwardLoop) as runner:
        runner.run(script())


def test_new_credentials_are_taken_without_a_refusal_for_who_asks() -> None:
    old, new = Client(good=False), Client(good=True)

    async def tell(server: RenewedServer, _: ForwardLoop) -> None:
        replies = await asyncio.gather(*(server.request("GET", "/x") for _ in range(3)))
        assert [reply.status for reply in replies] == [200, 200, 200]
        async with server.watch("/x", ()):
            assert (old.watched, new.watched) == (0, 1)
        assert [old.closed, new.closed] == [False, False], "others may wait for old answers"
        await server.close()
        assert [old.closed, new.closed] == [True, True]

    story([old, new], tell)


def test_what_is_refused_by_all_credentials_is_refused_and_they_are_read_now_and_then() -> None:
    first, second, third = (Client(good=False) for _ in range(3))

    async def tell(server: RenewedServer, loop: ForwardLoop) -> None:
        for _ in range(5):
            assert (await server.request("GET", "/x")).status == 401
        assert (first.asked, second.asked, third.asked) == (1, 5, 0)
        loop.ahead += PAUSE
        assert (await server.request("GET", "/x")).status == 401
        assert third.asked == 1
        assert [first.closed, second.closed] == [True, False]

    story([first, second, third], tell)


def test_a_configuration_that_gives_no_others_leaves_the_refusal(
    caplog: pytest.LogCaptureFixture,
) -> None:
    first, second = Client(good=False), Client(good=True)

    async def tell(server: RenewedServer, loop: ForwardLoop) -> None:
        assert (await server.request("GET", "/x")).status == 401
        loop.ahead += PAUSE
        assert (await server.request("GET", "/x")).status == 200

    story([first, None, second], tell)
    assert "no user that is there" in caplog.text
