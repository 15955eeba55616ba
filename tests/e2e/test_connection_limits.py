"""Connections to Pods are limited as the annotations say, and further requests wait for one."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fleetgate.demo.http import Address, Question
from tests.e2e.rig import ONE, ask_once, rig
from tests.e2e.standing import Standing, standing
from tests.support.builders import ingress, service, slice_of
from tests.support.serving import serving

POLICY = "mse.ingress.kubernetes.io/connection-policy-"
LIMITS = {
    "service": f"{POLICY}tcp-max-connection",
    "pod": f"{POLICY}tcp-max-connection-per-endpoint",
    "requests": f"{POLICY}http-max-request-per-connection",
}
AT_ONCE = 24
FEW = 8
"""The limit is 1, but each worker of Envoy may have one connection in any case."""


@dataclass
class Pod:
    """Answers requests, and counts its connections and the requests of each."""

    open: int = 0
    most: int = 0
    requests: list[int] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        self.most = max(self.most, self.open)
        number = len(self.requests)
        self.requests.append(0)
        with closing(writer):
            try:
                while True:
                    await reader.readuntil(b"\r\n\r\n")
                    self.requests[number] += 1
                    await asyncio.to_thread(lambda: None)  # other requests get their turn
                    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
            except (asyncio.IncompleteReadError, ConnectionError):
                self.open -= 1


@dataclass(frozen=True, slots=True)
class Site:
    gateway: Address
    pods: dict[str, Pod]


@asynccontextmanager
async def running_site(root: Path) -> AsyncIterator[Site]:
    async with AsyncExitStack() as stack:
        served = await stack.enter_async_context(rig(root))
        pods = {}
        for name, key in LIMITS.items():
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            pods[name] = Pod()
            await stack.enter_async_context(serving(listener, pods[name].serve))
            host, port = listener.getsockname()
            endpoints = slice_of(name, addresses=[host], port=port)
            served.declare(f"{name}.yaml", service(name), endpoints, to=ONE)
            rule = ingress(name, host=f"{name}.test").path("/", to=f"{name}:80").of_class("mse")
            served.declare(f"{name}-rule.yaml", rule.annotate({key: "1"}))
        yield Site(await served.address(), pods)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing[Site]]:
    with standing(running_site(tmp_path_factory.mktemp("site"))) as site:
        yield site


def statuses(site: Standing[Site], name: str) -> set[int]:
    async def asking() -> set[int]:
        question = Question("/", f"{name}.test")
        asked = (ask_once(site.value.gateway, question) for _ in range(AT_ONCE))
        return {answer.status for answer in await asyncio.gather(*asked)}

    return site.run(asking())


@pytest.mark.parametrize("name", ["service", "pod"])
def test_requests_wait_for_a_connection(site: Standing[Site], name: str) -> None:
    assert statuses(site, name) == {200}
    assert 1 <= site.value.pods[name].most <= FEW


def test_a_connection_ends_after_its_requests(site: Standing[Site]) -> None:
    assert statuses(site, "requests") == {200}
    assert site.value.pods["requests"].requests == [1] * AT_ONCE
