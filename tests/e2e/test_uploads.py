"""Large bodies wait for a Pod that accepts them, and an answer reaches the client at any time.

Envoy keeps a bounded part of a body for retries, so an upload must not run ahead of its Pod.
"""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

import pytest

from fleetgate.demo.http import Address
from fleetgate.local.envoy_process import Envoy
from tests.e2e.backends import refusing
from tests.e2e.rig import ONE, TWO, Rig, gateway_ref, rig
from tests.e2e.scripted import End, Script, ScriptedPods, Step, Until, scripted_pods
from tests.e2e.standing import Standing, standing
from tests.support.builders import ingress, mse_gateway, service, slice_of
from tests.support.serving import Serve, serving
from translators.dialects.gateway_settings import UPSTREAM_TIMEOUT
from translators.envoy.retries import REPEATABLE

MIB = 2**20
BLOCK = b"x" * 65536
PATIENCE = 60.0


class Framing(Enum):
    """The way in which a body declares its end."""

    LENGTH = auto()
    CHUNKS = auto()


METHODS = ("PUT", "POST")


@dataclass(frozen=True, slots=True)
class Upload:
    """A request with a large body."""

    method: str
    size: int
    framing: Framing
    host: str = "web.test"

    async def to(
        self, gateway: Address, until: Awaitable[object] | None = None
    ) -> tuple[int, bytes]:
        """Send the upload, and return status and body of the answer; the status is 0 without one.

        The first part is half of what Envoy keeps for a retry. The rest follows `until`.
        """
        reader, writer = await asyncio.open_connection(*gateway)
        sending = asyncio.create_task(self._send(writer, until))
        try:
            async with asyncio.timeout(PATIENCE):
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
                return int(head.split(" ")[1]), await reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError):
            return 0, b""
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            writer.transport.abort()

    async def _send(self, writer: asyncio.StreamWriter, until: Awaitable[object] | None) -> None:
        chunked = self.framing is Framing.CHUNKS
        frame = "transfer-encoding: chunked" if chunked else f"content-length: {self.size}"
        writer.write(f"{self.method} / HTTP/1.1\r\nhost: {self.host}\r\n{frame}\r\n\r\n".encode())
        for begin in range(0, self.size, len(BLOCK)):
            if until is not None and begin == REPEATABLE // 2:
                await until
            block = BLOCK[: self.size - begin]
            writer.write(b"%x\r\n%b\r\n" % (len(block), block) if chunked else block)
            await writer.drain()
        writer.write(b"0\r\n\r\n" if chunked else b"")


async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read a body as a Pod does, and answer with its size."""
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            size = 0
            if "transfer-encoding: chunked" in head:
                while length := int(await reader.readuntil(b"\r\n"), 16):
                    await _skip(reader, length + 2)
                    size += length
                await reader.readexactly(2)
            else:
                size = int(head.partition("content-length: ")[2].partition("\r\n")[0])
                await _skip(reader, size)
            said = str(size).encode()
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(said), said))
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def _skip(reader: asyncio.StreamReader, size: int) -> None:
    while size:
        data = await reader.read(min(size, MIB))
        if not data:
            raise asyncio.IncompleteReadError(b"", size)
        size -= len(data)


@asynccontextmanager
async def pod(serve: Serve) -> AsyncIterator[Address]:
    """Run a Pod while the block runs."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with serving(listener, serve):
            yield listener.getsockname()


def expose(served: Rig, pods: Mapping[str, list[Address]]) -> None:
    """Declare a Service and a host for each of the names, `NAME.test`."""
    for name, addresses in pods.items():
        slices = [
            slice_of(name, addresses=[host], port=port, suffix=str(number))
            for number, (host, port) in enumerate(addresses)
        ]
        served.declare(f"{name}.yaml", service(name), *slices, to=ONE)
        rule = ingress(name, host=f"{name}.test").path("/", to=f"{name}:80")
        served.declare(f"{name}.yaml", rule.of_class("mse"))


@dataclass(frozen=True, slots=True)
class Site:
    """A gateway, and the Pods that read the uploads."""

    gateway: Address
    early: Mapping[str, ScriptedPods]


EARLY = b"HTTP/1.1 413 Too Large\r\nconnection: close\r\ncontent-length: 5\r\n\r\nlarge"
N = 16


def named(method: str, framing: Framing) -> str:
    return f"{method}-{framing.name}".lower()


@asynccontextmanager
async def running(root: Path) -> AsyncIterator[Site]:
    kinds = [named(method, framing) for method in METHODS for framing in Framing]
    reads_on = Script((Step(Until.HEAD, EARLY), Step(Until.CLOSED)), End.CLOSE)
    async with AsyncExitStack() as stack:
        taking = await stack.enter_async_context(pod(take))
        (dead,) = stack.enter_context(refusing())
        early = {kind: await stack.enter_async_context(scripted_pods(reads_on)) for kind in kinds}
        served = await stack.enter_async_context(rig(root))
        expose(served, {"taking": [taking]})
        # Each upload has a Service of its own, or Envoy would soon eject the Pod that refuses.
        expose(served, {f"{kind}-{n}": [dead, taking] for kind in kinds for n in range(N)})
        expose(served, {f"{kind}-early": list(pods.addresses) for kind, pods in early.items()})
        yield Site(await served.address(), early)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing[Site]]:
    with standing(running(tmp_path_factory.mktemp("site"))) as site:
        yield site


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("framing", Framing)
def test_an_upload_waits_for_a_pod_that_does_not_refuse_it(
    site: Standing[Site], method: str, framing: Framing
) -> None:
    async def scenario() -> None:
        for n in range(N):
            host = f"{named(method, framing)}-{n}.test"
            said = await Upload(method, 5 * MIB, framing, host).to(site.value.gateway)
            assert said == (200, str(5 * MIB).encode())

    site.run(scenario())


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("framing", Framing)
@pytest.mark.parametrize("size", [1, 10, 100])
def test_an_upload_of_any_size_arrives(
    site: Standing[Site], method: str, framing: Framing, size: int
) -> None:
    upload = Upload(method, size * MIB, framing, "taking.test")
    assert site.run(upload.to(site.value.gateway)) == (200, str(size * MIB).encode())


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("framing", Framing)
def test_an_early_answer_of_a_pod_that_reads_on_reaches_the_client(
    site: Standing[Site], method: str, framing: Framing
) -> None:
    kind = named(method, framing)

    async def scenario() -> None:
        for asked in range(1, 9):
            upload = Upload(method, 10 * MIB, framing, f"{kind}-early.test")
            said = await upload.to(site.value.gateway)
            assert (*said, site.value.early[kind].reached) == (413, b"large", asked)

    site.run(scenario())


def test_an_upload_that_outgrows_a_pause_between_tries_is_answered_with_503(
    tmp_path: Path,
) -> None:
    """Envoy itself would answer 507, which is about storage."""
    script = Script((Step(Until.BODY_BEGUN),), End.RESET)
    late = 7  # the pauses are long by then, so that most of the time is a pause

    async def scenario() -> None:
        async with scripted_pods(script) as pods, rig(tmp_path) as served:
            expose(served, {f"web-{n}": list(pods.addresses) for n in range(4)})
            gateway = await served.address()
            for n in range(4):
                pods.reached = 0
                upload = Upload("PUT", 3 * REPEATABLE, Framing.LENGTH, f"web-{n}.test")
                status, _ = await upload.to(gateway, pods.has_reached(late))
                assert status == 503

    asyncio.run(scenario())


def test_what_envoy_holds_of_uploads_is_bounded(tmp_path: Path) -> None:
    uploads, most = 100, 2 * REPEATABLE
    begun = asyncio.Barrier(uploads + 1)

    async def stall(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await begun.wait()
        await asyncio.Event().wait()

    async def scenario() -> None:
        async with pod(stall) as stalling, rig(tmp_path) as served:
            timeout = {UPSTREAM_TIMEOUT: "600s"}  # a Pod that does not read is not dead
            gateway = mse_gateway("gw", members=[ONE, TWO]).annotate(timeout)
            served.declare("gateway.yaml", gateway)
            expose(served, {"web": [stalling]})
            address = await served.address()
            envoy = served.served.gateways.envoys[gateway_ref()]
            before = await allocated(envoy)
            upload = Upload("PUT", 10 * MIB, Framing.LENGTH)
            going = [asyncio.create_task(upload.to(address)) for _ in range(uploads)]
            await begun.wait()
            await paused(envoy, uploads)
            held = await allocated(envoy) - before
            for task in going:
                task.cancel()
            await asyncio.gather(*going, return_exceptions=True)
        assert held < uploads * most

    asyncio.run(scenario())


async def allocated(envoy: Envoy) -> int:
    """Return the bytes that Envoy has allocated."""
    return int(json.loads(await envoy.get("/memory"))["allocated"])


async def paused(envoy: Envoy, times: int) -> None:
    """Return once Envoy has paused reading from clients so many times."""
    name = "downstream_flow_control_paused_reading_total"
    while True:
        lines = (await envoy.get(f"/stats?filter={name}")).split()
        if sum(int(text) for text in lines if text.isdigit()) >= times:
            return
        await asyncio.sleep(0.05)  # there is no event to wait for
