"""A link to a member breaks, so that packets are dropped silently, and no request is lost."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from fleetgate.demo.http import Question
from fleetgate.demo.load import Load, Tally
from tests.e2e.preferred import PINNED
from tests.e2e.rig import ONE, TWO, rig
from tests.support.builders import ingress, mse_gateway, service, slice_of
from tests.support.netns import Namespace, available, namespace
from tests.support.requirement import require

PORTS: Mapping[str, int] = {ONE: 8080, TWO: 8081}
LONGEST_WAIT = timedelta(seconds=15)  # 1.5 s on a core of its own, 3 s for what was acknowledged


@pytest.fixture(autouse=True)
def _namespaces() -> None:
    require(available())


async def cut_and_heal(root: Path, host: Namespace, annotations: Mapping[str, str]) -> Tally:
    """Cut the first member off under load, heal the link, and count once traffic is back."""
    async with rig(root) as served, AsyncExitStack() as stack:
        gateway = mse_gateway("gw", members=[ONE, TWO])
        served.declare("gateway.yaml", gateway.annotate({"fleetgate.dev/upstream-timeout": "1s"}))
        for member, port in PORTS.items():
            pods = slice_of("web", addresses=[host.address], port=port)
            served.declare("web.yaml", service("web"), pods, to=member)
        web = ingress("web", host="web.test").path("/", to="web:80").of_class("mse")
        served.declare("web.yaml", web.annotate(annotations))
        address = await served.address()
        # A load for each connection tells when each of them has left the broken link behind.
        loads = [Load(address, Question("/", "web.test"), connections=1) for _ in range(16)]
        for load in loads:
            await stack.enter_async_context(load.running())
        await all_of(loads, lambda load: load.until_answered_by(ONE))
        await asyncio.to_thread(host.drop, PORTS[ONE])
        since = time.monotonic()
        await all_of(loads, lambda load: load.until_answered_by(TWO, since))
        await all_of(loads, lambda load: load.answered(100))
        await asyncio.to_thread(host.heal)
        since = time.monotonic()
        await all_of(loads, lambda load: load.until_answered_by(ONE, since))
        await all_of(loads, lambda load: load.answered(100))
    return Tally.of(asked for load in loads for asked in load.asked)


async def all_of(loads: Iterable[Load], what: Callable[[Load], Awaitable[object]]) -> None:
    await asyncio.gather(*map(what, loads))


@pytest.mark.parametrize("annotations", [{}, PINNED], ids=["balanced", "pinned"])
def test_a_silent_partition_loses_no_request(
    tmp_path: Path, annotations: Mapping[str, str]
) -> None:
    with (
        namespace() as host,
        host.backend(PORTS[ONE], env=ONE, member=ONE),
        host.backend(PORTS[TWO], env=TWO, member=TWO),
    ):
        tally = asyncio.run(cut_and_heal(tmp_path, host, annotations))
    assert tally.failures == {}
    assert tally.worst_wait < LONGEST_WAIT
