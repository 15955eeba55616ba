"""A Pod that the network cuts off without a word holds nothing up for long.

Every kind of request is under way when the packets vanish. What the Pod has acknowledged leaves no
unacknowledged bytes, so only probes can find out that nobody is there; what it has not acknowledged
tells by itself. What can be repeated is answered by another Pod, everything else ends. Silence of
a Pod that is there is not taken for that.
"""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fleetgate.demo.http import Address
from tests.e2e.backends import backend, serving
from tests.e2e.rig import ONE, TWO, Rig, rig
from tests.support.builders import Builder, ingress, service, slice_of
from tests.support.netns import Namespace, available, namespace
from tests.support.requirement import require

pytestmark = pytest.mark.xdist_group("nothing-hangs")  # all wait together, for whoever is first

BOUND = 30.0
"""Seconds; about 4 on a core of its own. Envoy's own patience is 300."""

PORT, ALIVE = 8080, 8081
"""Where the Pod listens that is cut off, and where one that is not, behind the same link."""

SERVICES = {"web": PORT, "quiet": ALIVE}

PINNED = {
    "mse.ingress.kubernetes.io/service-subset": "first",
    "mse.ingress.kubernetes.io/subset-labels": f"topology.istio.io/cluster {ONE}",
}

OTHER, ERROR, ENDED, HANGS = "another Pod answers", "503", "the connection ends", "it hangs"
COMES = "the rest comes"

SIZE, LATER = 2_000_000, 1_000
"""Bytes of an upload, and how many of them are not sent before the Pod is cut off."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request, and what is to become of it.

    `later` is sent once the Pod is cut off. All of an `unsent` one is sent then, over a connection
    that the gateway has used before. A `quiet` one is with a Pod that is not cut off, and that says
    nothing until all others have come to something.
    """

    method: str
    path: str
    becomes: str
    body: bytes = b""
    later: bytes = b""
    unsent: bool = False
    quiet: bool = False

    def encode(self, name: str) -> bytes:
        """The bytes until the Pod is cut off."""
        length = SIZE if self.path == "/upload" else len(self.body)
        host = "quiet.test" if self.quiet else "web.test"
        lines = [f"{self.method} {self.path} HTTP/1.1", f"host: {host}", f"x-name: {name}"]
        lines += [f"content-length: {length}"] if length else []
        if self.path == "/socket":
            lines += ["connection: upgrade", "upgrade: websocket", "sec-websocket-version: 13"]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


PART = b"x" * (SIZE - LATER)
EXCHANGES: Mapping[str, Exchange] = {
    "get": Exchange("GET", "/wait", OTHER),
    "put": Exchange("PUT", "/wait", OTHER, b"body"),
    "post": Exchange("POST", "/wait", ERROR, b"body"),
    "unsent-get": Exchange("GET", "/wait", OTHER, unsent=True),
    "unsent-put": Exchange("PUT", "/wait", OTHER, b"body", unsent=True),
    "unsent-post": Exchange("POST", "/wait", ERROR, b"body", unsent=True),
    "upload": Exchange("POST", "/upload", ERROR, PART, b"x" * LATER),
    "upload-that-pauses": Exchange("PUT", "/upload", ERROR, PART),
    "long-poll": Exchange("GET", "/poll", ENDED),
    "events": Exchange("GET", "/events", ENDED),
    "silent-socket": Exchange("GET", "/socket", ENDED),
    "talking-socket": Exchange("GET", "/socket", ENDED, later=b"more"),
    "quiet-events": Exchange("GET", "/events", COMES, quiet=True),
    "quiet-socket": Exchange("GET", "/socket", COMES, quiet=True),
}
SENT = [name for name, each in EXCHANGES.items() if not each.unsent]
REST = b"the rest"
STREAMS: Mapping[str, bytes] = {
    "/poll": b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n",
    "/events": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n6\r\ndata:1\r\n",
    "/socket": b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\n"
    b"upgrade: websocket\r\n\r\n",
}
"""What the Pod begins to answer with, by path; elsewhere it says nothing."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What has become of a request, and how many seconds after the cut."""

    what: str
    after: float


class Scene:
    """Exchanges with a Pod that is cut off when all of them are under way."""

    def __init__(self, exchanges: Mapping[str, Exchange]) -> None:
        self._exchanges = exchanges
        self._under_way = {name: asyncio.Event() for name in exchanges}
        self._together = asyncio.Barrier(sum(each.unsent for each in exchanges.values()) or 1)
        self._cut = asyncio.Event()
        self._resume = asyncio.Event()
        self._since = 0.0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Be the Pod: take requests in, and leave them unanswered, or half answered."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                path = head.split(" ", 2)[1]
                fields = dict(line.split(": ") for line in head.rstrip().split("\r\n")[1:])
                await reader.readexactly(
                    int(fields.get("content-length", "0")) - LATER * (path == "/upload")
                )
                if path == "/warm":
                    await self._together.wait()  # so that each has a connection of its own
                    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                elif path in STREAMS:
                    writer.write(STREAMS[path])
                    await self._resume.wait()
                    writer.write(REST if path == "/socket" else b"8\r\n" + REST + b"\r\n")
                else:
                    self._under_way[fields["x-name"]].set()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def cut(self, host: Namespace) -> None:
        """Cut the Pod off once everything is under way."""
        for under_way in self._under_way.values():
            await under_way.wait()
        await asyncio.to_thread(host.drop, PORT)
        self._since = time.monotonic()
        self._cut.set()

    def resume(self) -> None:
        """Have the Pods go on where they were quiet."""
        self._resume.set()

    async def outcome(self, gateway: Address, name: str) -> Outcome:
        """Go through one exchange to its end, or to the bound."""
        reader, writer = await asyncio.open_connection(*gateway)
        try:
            what = await self._go_through(name, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            what = ENDED
        except TimeoutError:
            what = HANGS
        finally:
            writer.transport.abort()
        return Outcome(what, time.monotonic() - self._since)

    async def _go_through(
        self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> str:
        exchange = self._exchanges[name]
        first = Exchange("GET", "/warm", "") if exchange.unsent else exchange
        writer.write(first.encode(name))
        if exchange.unsent or exchange.path in STREAMS:
            await reader.readuntil(b"\r\n\r\n")
            self._under_way[name].set()
        await self._cut.wait()
        writer.write(exchange.encode(name) if exchange.unsent else exchange.later)
        async with asyncio.timeout(BOUND):
            if exchange.path in STREAMS:
                await reader.readuntil(REST)
                return COMES
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
        status = head.split(" ")[1]
        return OTHER if status == "200" and f"x-member: {TWO}" in head else status


async def outcomes(
    root: Path, host: Namespace, names: Sequence[str], *, removed: bool
) -> Mapping[str, Outcome]:
    """What becomes of these exchanges; `removed` Pods leave their slices after the cut."""
    scene = Scene({name: EXCHANGES[name] for name in names})
    async with AsyncExitStack() as stack:
        for port in (PORT, ALIVE):
            listener = stack.enter_context(host.listen(port))
            await stack.enter_async_context(serving(listener, scene.serve))
        other = await stack.enter_async_context(backend("web", member=TWO))
        served = await stack.enter_async_context(rig(root))
        expose(served, [host.address])
        served.expose("web", [other], member=TWO)
        web, quiet = (ingress(n, host=f"{n}.test").path("/", to=f"{n}:80") for n in SERVICES)
        served.declare("web.yaml", web.of_class("mse").annotate(PINNED), quiet.of_class("mse"))
        gateway = await served.address()
        async with asyncio.TaskGroup() as tasks:
            going = {name: tasks.create_task(scene.outcome(gateway, name)) for name in names}
            await scene.cut(host)
            if removed:
                expose(served, [])
                await served.sync()
            await asyncio.wait([going[name] for name in names if not EXCHANGES[name].quiet])
            scene.resume()
        await asyncio.to_thread(host.heal)
    return {name: task.result() for name, task in going.items()}


def expose(served: Rig, addresses: Sequence[str]) -> None:
    """Let the Pods behind the link be those of the two Services, or of none."""
    objects: list[Builder[Any]] = []
    for name, port in SERVICES.items():
        objects += [service(name), slice_of(name, addresses=addresses, port=port)]
    served.declare("pods.yaml", *objects, to=ONE)


@pytest.fixture(scope="module")
def host() -> Iterator[Namespace]:
    require(available())
    with namespace() as host:
        yield host


@pytest.fixture(scope="module")
def while_listed(
    host: Namespace, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, Outcome]:
    root = tmp_path_factory.mktemp("listed")
    return asyncio.run(outcomes(root, host, list(EXCHANGES), removed=False))


@pytest.fixture(scope="module")
def when_removed(
    host: Namespace, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, Outcome]:
    root = tmp_path_factory.mktemp("removed")
    return asyncio.run(outcomes(root, host, SENT, removed=True))


@pytest.mark.parametrize("name", EXCHANGES)
def test_nothing_waits_for_a_pod_that_is_cut_off(
    while_listed: Mapping[str, Outcome], name: str
) -> None:
    assert while_listed[name].what == EXCHANGES[name].becomes
    assert while_listed[name].after < BOUND


@pytest.mark.parametrize("name", SENT)
def test_so_it_is_with_one_that_has_left_its_slice(
    when_removed: Mapping[str, Outcome], name: str
) -> None:
    assert when_removed[name].what == EXCHANGES[name].becomes
    assert when_removed[name].after < BOUND
