"""The example of the page about the library serves what it says, by a real client."""

import asyncio
import re
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

import pytest
from envoy_data_plane.envoy.config.core import v3 as core
from envoy_data_plane.envoy.service.discovery import v3 as discovery
from grpc import aio

from tests.docs.generated import ROOT
from tests.xds.dialogue import AGGREGATED
from xds.resource import TypeUrl
from xds.server import XdsServer

PATIENCE = 30.0
PAGE = (ROOT / "docs" / "xds-library.md").read_text(encoding="utf-8")
Request: TypeAlias = discovery.DiscoveryRequest | discovery.DeltaDiscoveryRequest
Call: TypeAlias = "aio.StreamStreamCall[bytes, bytes]"
NODE = core.Node(id="client", cluster="my-group")


@pytest.mark.parametrize(
    ("protocol", "request_", "version_of"),
    [
        pytest.param(
            "sotw",
            discovery.DiscoveryRequest(node=NODE, type_url=TypeUrl.CLUSTER),
            lambda data: discovery.DiscoveryResponse.parse(data).version_info,
            id="sotw",
        ),
        pytest.param(
            "delta",
            discovery.DeltaDiscoveryRequest(node=NODE, type_url=TypeUrl.CLUSTER),
            lambda data: discovery.DeltaDiscoveryResponse.parse(data).system_version_info,
            id="delta",
        ),
    ],
)
def test_the_example_serves_the_version_that_it_gives(
    protocol: str,
    request_: Request,
    version_of: Callable[[bytes], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ports: list[int] = []
    started = asyncio.Event()
    start = XdsServer.start

    async def on_a_free_port(self: XdsServer, address: str) -> int:
        ports.append(await start(self, f"{address.rpartition(':')[0]}:0"))
        started.set()
        return ports[0]

    monkeypatch.setattr(XdsServer, "start", on_a_free_port)
    names: dict[str, Any] = {}
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(example, names)  # noqa: S102 (our own page)
    serve: Callable[[], Coroutine[Any, Any, None]] = names["serve"]

    async def run() -> str:
        async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(serve())
            await started.wait()
            async with aio.insecure_channel(f"127.0.0.1:{ports[0]}") as channel:
                call: Call = channel.stream_stream(AGGREGATED[protocol])()
                await call.write(bytes(request_))
                data = await call.read()
            serving.cancel()
        assert isinstance(data, bytes)
        return version_of(data)

    assert asyncio.run(run()) == "v1"
