"""A Pod that the network silently cuts off delays no request for long.

Every kind of request is under way when packets begin to be dropped. Another Pod answers those that
can be repeated, and all others end. A silent Pod that is still connected is not cut off.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.backends import backend
from tests.e2e.preferred import PINNED
from tests.e2e.rig import ONE, TWO, Rig, rig
from tests.support.builders import Builder, ingress, service, slice_of
from tests.support.exchanges import EXCHANGES, HOST, QUIET_HOST, Outcome, Scene
from tests.support.netns import Namespace, available, namespace
from tests.support.requirement import require
from tests.support.serving import serving

pytestmark = pytest.mark.xdist_group("nothing-hangs")  # the first test waits for all outcomes

BOUND = 30.0
"""Seconds; about 4 on a core of its own. Envoy's own patience is 300."""

PORT, ALIVE = 8080, 8081
"""Where the Pod listens that is cut off, and where one that is not, behind the same link."""

HOSTS = {"web": HOST, "quiet": QUIET_HOST}
PORTS = {"web": PORT, "quiet": ALIVE}
SENT = [name for name, each in EXCHANGES.items() if not each.unsent]


async def outcomes(
    root: Path, host: Namespace, names: Iterable[str], *, removed: bool
) -> Mapping[str, Outcome]:
    """Return the outcomes of these exchanges. `removed` Pods leave their slices after the cut."""
    scene = Scene(names, member=ONE, other=TWO, patience=BOUND)
    async with AsyncExitStack() as stack:
        for port in PORTS.values():
            listener = stack.enter_context(host.listen(port))
            await stack.enter_async_context(serving(listener, scene.serve))
        other = await stack.enter_async_context(backend("web", member=TWO))
        served = await stack.enter_async_context(rig(root))
        await expose(served, [host.address])
        served.expose("web", [other], member=TWO)
        web, quiet = (ingress(n, host=at).path("/", to=f"{n}:80") for n, at in HOSTS.items())
        served.declare("web.yaml", web.of_class("mse").annotate(PINNED), quiet.of_class("mse"))
        gateway = await served.address()
        cut = partial(asyncio.to_thread, host.drop, PORT)
        after = partial(expose, served, []) if removed else None
        found = await scene.play(gateway, cut, after)
        await asyncio.to_thread(host.heal)
    return found


async def expose(served: Rig, addresses: Iterable[str]) -> None:
    """Make the Pods behind the link those of the two Services, or of no Service."""
    objects: list[Builder[Any]] = []
    for name, port in PORTS.items():
        objects += [service(name), slice_of(name, addresses=addresses, port=port)]
    served.declare("pods.yaml", *objects, to=ONE)
    await served.sync()


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
    return asyncio.run(outcomes(root, host, EXCHANGES, removed=False))


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
