"""The admin HTTP bounds its clients, and refuses web pages."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest
from aiohttp.test_utils import make_mocked_request

from fleet.sources.memory import MemorySource
from fleetgate.core.control import ControlPlane, ControlSettings
from fleetgate.core.own_envoys import NoEnvoys
from fleetgate.http.admin import Admin
from fleetgate.http.visitors import MOST_CONNECTIONS, MOST_PATIENT, MOST_READING, Visitors
from translators.dialects import DIALECTS
from xds.cache import SnapshotCache

PATIENCE = 30.0
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Script = Callable[[int], Awaitable[None]]


def play(script: Script, address: str = "127.0.0.1") -> None:
    """Run a script against the admin HTTP of a control plane whose source sends no event."""

    async def run() -> None:
        control = ControlPlane(MemorySource(DIALECTS.kinds), SnapshotCache(), ControlSettings())
        admin = Admin(control, lambda _: "", NoEnvoys())
        port = await admin.start(address, 0)
        try:
            async with asyncio.timeout(PATIENCE):
                await script(port)
        finally:
            await admin.stop()

    asyncio.run(run())


async def connect(port: int) -> Connection:
    return await asyncio.open_connection("127.0.0.1", port)


async def say(connection: Connection, line: str, **headers: str) -> None:
    lines = [line, *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    connection[1].write("".join(f"{each}\r\n" for each in lines).encode() + b"\r\n")
    await connection[1].drain()


async def hear(connection: Connection) -> tuple[int, str]:
    """The status and the text of an answer."""
    head = (await connection[0].readuntil(b"\r\n\r\n")).decode().lower()
    length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
    return int(head.split()[1]), (await connection[0].readexactly(length)).decode()


async def ask(port: int, line: str = "GET /healthz HTTP/1.1", **headers: str) -> tuple[int, str]:
    connection = await connect(port)
    await say(connection, line, **headers)
    answer = await hear(connection)
    connection[1].close()
    return answer


async def is_closed(connection: Connection) -> bool:
    try:
        return await connection[0].read() == b""
    except ConnectionResetError:
        return True


LOCAL = [
    "127.0.0.1",
    "127.0.0.1:18001",
    "127.1.2.3:80",
    "localhost",
    "LocalHost:18001",
    "[::1]",
    "[::1]:18001",
]
FOREIGN = [
    "evil.example",
    "evil.example:18001",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "localhost@evil.example",
    "10.0.0.1",
    "[::2]:80",
    "[::1",
    "0.0.0.0:80",
    "x" * 5000,
]


@pytest.mark.parametrize("host", LOCAL)
def test_names_of_loopback_are_answered_there(host: str) -> None:
    async def script(port: int) -> None:
        assert await ask(port, Host=host) == (200, "ok\n")

    play(script)


def test_who_names_no_host_is_answered() -> None:
    """Health checks by HTTP/1.0 send no Host."""

    async def script(port: int) -> None:
        assert await ask(port, "GET /healthz HTTP/1.0") == (200, "ok\n")

    play(script)


@pytest.mark.parametrize("host", FOREIGN)
@pytest.mark.parametrize("line", ["GET /status HTTP/1.1", "POST /sync?timeout=0 HTTP/1.1"])
def test_other_names_are_refused_on_loopback(line: str, host: str) -> None:
    """A web page may have its own name lead to loopback."""

    async def script(port: int) -> None:
        status, text = await ask(port, line, Host=host, Content_Length="0")
        assert status == 421
        assert text.startswith("fleetgate's admin HTTP is asked as 127.0.0.1, [::1] or localhost")
        assert len(text) < 300

    play(script)


def test_any_name_is_answered_beyond_loopback() -> None:
    async def script(port: int) -> None:
        assert await ask(port, Host="fleetgate.fleetgate-system.svc") == (200, "ok\n")

    play(script, address="0.0.0.0")  # noqa: S104 (the test is about that)


PAGES = [
    pytest.param("POST", {"Origin": "https://evil.example"}, 403, id="post-of-a-page"),
    pytest.param("POST", {"Origin": "null"}, 403, id="post-of-a-frame"),
    pytest.param("POST", {"Origin": "http://127.0.0.1:1"}, 403, id="post-of-another-port"),
    pytest.param("POST", {"Origin": "http://127.0.0.1"}, 200, id="post-of-its-own"),
    pytest.param("POST", {}, 200, id="post-of-a-program"),
    pytest.param("POST", {"Sec-Fetch-Site": "cross-site"}, 403, id="fetch"),
    pytest.param("POST", {"Sec-Fetch-Site": "same-site"}, 403, id="fetch-of-a-neighbour"),
    pytest.param(
        "POST",
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
        403,
        id="form-of-a-page",
    ),
    pytest.param("GET", {"Sec-Fetch-Site": "cross-site"}, 403, id="image"),
    pytest.param(
        "GET", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 200, id="link"
    ),
    pytest.param("GET", {"Sec-Fetch-Site": "none"}, 200, id="address-bar"),
    pytest.param("GET", {"Sec-Fetch-Site": "same-origin"}, 200, id="its-own-page"),
]


@pytest.mark.parametrize(("method", "headers", "status"), PAGES)
def test_web_pages_of_others_ask_nothing(method: str, headers: dict[str, str], status: int) -> None:
    async def script(port: int) -> None:
        path = "/sync?timeout=0" if method == "POST" else "/status"
        line = f"{method} {path} HTTP/1.1"
        answered, _ = await ask(port, line, Host="127.0.0.1", Content_Length="0", **headers)
        assert answered == status

    play(script)


def test_connections_that_say_nothing_keep_nobody_out() -> None:
    async def script(port: int) -> None:
        silent = [await connect(port) for _ in range(MOST_CONNECTIONS)]
        for connection in silent:
            connection[1].write(b"GET /status HTTP/1.1\r\nX:")
        assert await ask(port, Host="localhost") == (200, "ok\n")
        assert await is_closed(silent[0])
        for connection in silent:
            connection[1].close()

    play(script)


def test_pages_that_nobody_reads_give_way_to_others() -> None:
    """A page that is not read takes memory of fleetgate, much of it in a large fleet."""

    async def script(_: int) -> None:
        visitors, transports, all_came = Visitors(), list[asyncio.Transport](), asyncio.Event()

        class Page(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                assert isinstance(transport, asyncio.Transport)
                transports.append(transport)
                visitors.reads(make_mocked_request("GET", "/status", transport=transport))
                if len(transports) > 1:  # the first one is a page that fits into the kernel
                    transport.write(bytes(16 << 20))
                if len(transports) == MOST_READING + 2:
                    all_came.set()

        server = await asyncio.get_running_loop().create_server(Page, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        readers = [await connect(port) for _ in range(MOST_READING + 2)]
        await all_came.wait()
        assert [t.is_closing() for t in transports] == [False, True] + [False] * MOST_READING
        server.close()
        for reader in readers:
            reader[1].transport.abort()

    play(script)


def test_who_waits_for_something_is_not_closed_for_others() -> None:
    async def script(port: int) -> None:
        patient = await connect(port)
        await say(patient, "POST /sync?timeout=1 HTTP/1.1", Host="localhost", Content_Length="0")
        others = [await connect(port) for _ in range(2 * MOST_CONNECTIONS)]
        assert await is_closed(others[0])
        status, text = await hear(patient)
        assert (status, json.loads(text)["synced"]) == (200, False)
        for connection in (patient, *others):
            connection[1].close()

    play(script)


def test_too_many_that_wait_are_told_to_come_again() -> None:
    async def script(port: int) -> None:
        line = "POST /sync?timeout=60 HTTP/1.1"
        patient = [await connect(port) for _ in range(MOST_PATIENT)]
        for connection in patient:
            await say(connection, line, Host="localhost", Content_Length="0")
        while (answer := await ask(port, line, Host="localhost", Content_Length="0"))[0] != 200:
            pass
        (missing,) = json.loads(answer[1])["missing"]
        assert missing["reason"] == "too many others wait for the same; try again"
        assert await ask(port, Host="localhost") == (200, "ok\n")
        for connection in patient:
            connection[1].close()

    play(script)


def test_who_has_gone_waits_no_more() -> None:
    async def script(port: int) -> None:
        line = "POST /sync?timeout=3600 HTTP/1.1"
        for _ in range(3):
            gone = [await connect(port) for _ in range(MOST_PATIENT)]
            for connection in gone:
                await say(connection, line, Host="localhost", Content_Length="0")
                connection[1].close()
        late = "POST /sync?timeout=0.01 HTTP/1.1"
        while "too many" in (await ask(port, late, Host="localhost", Content_Length="0"))[1]:
            pass

    play(script)
