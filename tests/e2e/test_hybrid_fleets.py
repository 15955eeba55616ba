"""Hybrid fleets: Pods that the gateway does not reach get requests by nodes or by an ingress."""

import asyncio
from pathlib import Path

import pytest

from fleetgate.demo.http import Question
from fleetgate.demo.load import Load, try_times
from tests.e2e.backends import Manner
from tests.e2e.hybrid import (
    BY_NODES,
    BY_PODS,
    FAR,
    HOST,
    NEAR,
    NODE_PORT,
    OTHER,
    by_gateway,
    hidden,
    hybrid,
    node_objects,
    nodes_of,
    reachable,
    run_ingress,
    run_node,
    web,
)
from tests.e2e.rig import ask_once
from tests.e2e.shares import shares
from tests.support.netns import available, namespace
from tests.support.requirement import require

ASK = Question("/", HOST)


@pytest.fixture(autouse=True)
def _namespaces() -> None:
    require(available())


def test_shares_follow_pods_in_a_mixed_fleet_and_a_dead_member_costs_no_request(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        settings = {
            NEAR: BY_PODS,
            FAR: BY_NODES,
            OTHER: by_gateway(host.address),
        }
        async with (
            reachable(1) as near,
            hidden(host, 3, FAR) as far,
            hidden(host, 6, OTHER, 20) as other,
            hybrid(tmp_path, settings) as served,
        ):
            nodes = nodes_of(host, 2)
            for each in nodes:
                await run_node(host, far, each)
            ingress = await run_ingress(host, other)
            served.expose("web", near.pods, member=NEAR)
            served.declare("web.yaml", web(node_port=NODE_PORT), far.slice(), to=FAR)
            served.declare("nodes.yaml", *node_objects(nodes), to=FAR)
            served.declare("web.yaml", web(), other.slice(), to=OTHER)
            address = await served.address()
            found = await shares(address, ASK)
            assert found == pytest.approx({NEAR: 10, FAR: 30, OTHER: 60}, abs=7)
            assert far.asked
            assert ingress.asked
            assert not other.asked
            assert {request.headers["host"] for request in ingress.asked} == {HOST}
            async with Load(address, ASK).running() as load:
                await load.answered(200)
                await other.kill()
                await load.answered(500)
                await far.kill()
                await load.answered(500)
            assert load.tally().failures == {}

    with namespace() as host:
        host.hide_pods()
        asyncio.run(scenario())


def test_nodes_that_keep_requests_to_themselves_get_a_share_by_their_pods(tmp_path: Path) -> None:
    """With the externalTrafficPolicy Local, a node without a Pod refuses connections."""

    async def scenario() -> None:
        async with (
            hidden(host, 4, FAR) as far,
            hybrid(tmp_path, {FAR: BY_NODES}) as served,
        ):
            nodes = nodes_of(host, 3)
            await run_node(host, far, nodes[0], far.pods[:1])
            await run_node(host, far, nodes[1], far.pods[1:])
            local = web(node_port=NODE_PORT, externalTrafficPolicy="Local")
            places = ["node-0", "node-1", "node-1", "node-1"]
            served.declare("web.yaml", local, far.slice(places), to=FAR)
            served.declare("nodes.yaml", *node_objects(nodes), to=FAR)
            assert await shares(await served.address(), ASK) == {FAR: 100}
            first, *others = [100 * len(pod.asked) / 2000 for pod in far.pods]
            assert first == pytest.approx(25, abs=5)
            assert sum(others) == pytest.approx(75, abs=5)

    with namespace() as host:
        host.hide_pods()
        asyncio.run(scenario())


def test_an_ingress_without_pods_is_passed_over_for_what_may_be_repeated(tmp_path: Path) -> None:
    async def scenario() -> None:
        settings = {NEAR: BY_PODS, OTHER: by_gateway(host.address)}
        async with (
            reachable(1) as near,
            hidden(host, 1, OTHER) as other,
            hybrid(tmp_path, settings) as served,
        ):
            ingress = await run_ingress(host, other, hosts=[])
            served.expose("web", near.pods, member=NEAR)
            served.declare("web.yaml", web(), other.slice(), to=OTHER)
            address = await served.address()
            assert await shares(address, ASK, 100) == {NEAR: 100}
            assert ingress.asked
            headers = {
                name for pod in (*near.pods, ingress) for r in pod.asked for name in r.headers
            }
            assert not [name for name in headers if "retr" in name], (
                "backends are told of no retries"
            )
            # Envoy leaves it out for a while, after which it is asked again.
            post = Question("/", HOST, method="POST", body=b"once")
            answers: set[int] = set()
            async with asyncio.timeout(60):
                while answers != {200, 503}:
                    answers |= {answer.status for answer in await try_times(address, post, 20)}
            asked = len(ingress.asked) + near.asked
            for pod in near.pods:
                pod.manner = Manner.UNAVAILABLE
            assert [(await ask_once(address, ASK)).status] == [503]
            assert len(ingress.asked) + near.asked > asked + 1

    with namespace() as host:
        host.hide_pods()
        asyncio.run(scenario())
