"""A member behind a broken link: packets vanish, nobody is refused, and no request is lost."""

import asyncio
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from fleetgate.demo.http import Question
from fleetgate.demo.load import Load
from tests.e2e.rig import ONE, TWO, rig
from tests.support.builders import ingress, mse_gateway, service, slice_of
from tests.support.netns import Namespace, available, namespace
from tests.support.requirement import require

PORTS: Mapping[str, int] = {ONE: 8080, TWO: 8081}
LONGEST_WAIT = timedelta(seconds=5)  # about 1.5 s on a core of its own

PINNED = {
    "mse.ingress.kubernetes.io/service-subset": "first",
    "mse.ingress.kubernetes.io/subset-labels": f"topology.istio.io/cluster {ONE}",
}


@pytest.fixture(autouse=True)
def _namespaces() -> None:
    require(available())


async def cut_and_heal(root: Path, host: Namespace, annotations: Mapping[str, str]) -> Load:
    """Cut the first member off under load and heal the link; gives the load once it is back."""
    async with rig(root) as served:
        gateway = mse_gateway("gw", members=[ONE, TWO])
        served.declare("gateway.yaml", gateway.annotate({"fleetgate.dev/upstream-timeout": "1s"}))
        for member, port in PORTS.items():
            pods = slice_of("web", addresses=[host.address], port=port)
            served.declare("web.yaml", service("web"), pods, to=member)
        web = ingress("web", host="web.test").path("/", to="web:80").of_class("mse")
        served.declare("web.yaml", web.annotate(annotations))
        load = Load(await served.address(), Question("/", "web.test"))
        async with load.running():
            await load.until_answered_by(ONE)
            await load.answered(500)  # connections are open and in use when the link breaks
            await asyncio.to_thread(host.drop, PORTS[ONE])
            await load.until_answered_by(TWO, since=time.monotonic())
            await load.answered(2000)
            await asyncio.to_thread(host.heal)
            await load.until_answered_by(ONE, since=time.monotonic())
            await load.answered(500)
        return load


@pytest.mark.parametrize("annotations", [{}, PINNED], ids=["balanced", "pinned"])
def test_a_silent_partition_loses_no_request(
    tmp_path: Path, annotations: Mapping[str, str]
) -> None:
    with (
        namespace() as host,
        host.backend(PORTS[ONE], env=ONE, member=ONE),
        host.backend(PORTS[TWO], env=TWO, member=TWO),
    ):
        tally = asyncio.run(cut_and_heal(tmp_path, host, annotations)).tally()
    assert tally.failures == {}
    assert tally.worst_wait < LONGEST_WAIT
