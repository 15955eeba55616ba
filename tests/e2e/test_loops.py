"""A gateway refuses a request that returns to it too often. A chain of gateways is no loop."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from fleetgate.demo.http import Address, Answer, Question
from tests.e2e.backends import Backend, backend
from tests.e2e.rig import Rig, ask_once, gateway_ref, rig
from tests.support.builders import ingress, service, slice_of
from translators.envoy.loops import PASSES

HOST = "web.test"


def forward(served: Rig, to: Address) -> None:
    """Make the gateway send all requests of the host to an address."""
    pods = slice_of("web", addresses=[to[0]], port=to[1], port_name="http")
    served.declare("web.yaml", service("web", ports={"http": 80}), pods, to="one")
    served.declare("rule.yaml", ingress("web", host=HOST).path("/", to="web:80").of_class("mse"))


async def taken(served: Rig) -> int:
    """Count the requests that have come to the gateway."""
    envoy = served.served.gateways.envoys[gateway_ref()]
    shown = await envoy.get("/stats?filter=http.http-80.downstream_rq_total")
    return int(shown.rpartition(":")[2])


def test_a_gateway_that_is_its_own_backend_takes_a_request_a_few_times(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with rig(tmp_path) as served:
            forward(served, await served.address())
            answer = await ask_once(await served.address(), Question("/", HOST))
            assert answer.status == 502
            assert await taken(served) == PASSES + 1

    asyncio.run(scenario())


async def through(gateways: int, root: Path, question: Question) -> tuple[Answer, Backend]:
    """Send a request through a chain of gateways with the same name, each of another fleet."""
    async with AsyncExitStack() as stack:
        web = await stack.enter_async_context(backend("web"))
        place: Address = web.address
        for number in range(gateways):
            (root / f"{number}").mkdir()
            served = await stack.enter_async_context(rig(root / f"{number}"))
            forward(served, place)
            place = await served.address()
        return await ask_once(place, question), web


def test_gateways_behind_each_other_are_no_loop_though_they_have_one_name(tmp_path: Path) -> None:
    answer, web = asyncio.run(through(3, tmp_path, Question("/", HOST)))
    assert answer.body == b"web"
    assert web.asked[-1].headers["cdn-loop"] == ",".join(["fleetgate-mse-gw"] * 3)


@pytest.mark.parametrize(
    "came",
    [
        "cloudflare",
        "cloudflare; loops=1; subreqs=1",
        'a.example:8080;v="1, 2", akamai;v=1.0;c=1',
        "fleetgate-mse-other, fleetgate-mse-other, fleetgate-mse-other, fleetgate-mse-other",
    ],
)
def test_what_others_have_said_stays(tmp_path: Path, came: str) -> None:
    question = Question("/", HOST, {"cdn-loop": came})
    answer, web = asyncio.run(through(1, tmp_path, question))
    assert answer.body == b"web"
    assert web.asked[-1].headers["cdn-loop"] == f"{came},fleetgate-mse-gw"
