"""No request is lost when a member loses its Pods under load, and new Pods are used at once."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from fleetgate.demo.http import Question
from fleetgate.demo.load import Load, ask
from tests.e2e.backends import Manner, backend
from tests.e2e.preferred import PINNED
from tests.e2e.rig import ONE, TWO, Rig, rig
from tests.support import running_fleet as pods
from tests.support.builders import Builder, IngressBuilder, ingress, mse_gateway
from tests.support.running_fleet import NEVER, RunningFleet, running_fleet

NGINX = "nginx.ingress.kubernetes.io/"
CONNECTION = "mse.ingress.kubernetes.io/connection-policy-"
POLICIES: Mapping[str, Mapping[str, str]] = {"balanced": {}, "pinned": PINNED}
CHOOSING: Mapping[str, Mapping[str, str]] = {
    "least-conn": {f"{NGINX}load-balance": "least_conn"},
    "random": {f"{NGINX}load-balance": "random"},
    "hash": {f"{NGINX}upstream-hash-by": "$request_uri"},
    "cookie": {f"{NGINX}affinity": "cookie"},
    "persistent": {f"{NGINX}affinity": "cookie", f"{NGINX}affinity-mode": "persistent"},
    "warmup": {"mse.ingress.kubernetes.io/warmup": "5"},
    "limits": {
        f"{CONNECTION}tcp-max-connection": "4",
        f"{CONNECTION}tcp-max-connection-per-endpoint": "2",
        f"{CONNECTION}http-max-request-per-connection": "10",
    },
    "connect-timeout": {f"{NGINX}proxy-connect-timeout": "5"},
}
"""Annotations that change how a Pod is chosen, or how it is connected to."""

QUESTION = Question("/", "web.test")
UPSTREAM_TIMEOUT = timedelta(seconds=60)
AT_ONCE = UPSTREAM_TIMEOUT / 3


@dataclass(frozen=True, slots=True)
class Site:
    """A Service with Pods in both members, their kubelet, and the gateway in front of them."""

    world: RunningFleet
    rig: Rig

    async def settle(self) -> None:
        """Return when the declared Pods run, and Envoy has their endpoints."""
        await self.world.kubelet.sync()
        await self.rig.sync()


Step: TypeAlias = Callable[[Site], Awaitable[None]]


def attaching(*members: str) -> Builder[Any]:
    """Make the gateway. Its timeout is long, so that a silent Pod would visibly delay requests."""
    timeout = {"fleetgate.dev/upstream-timeout": f"{UPSTREAM_TIMEOUT.seconds}s"}
    return mse_gateway("gw", members=members).annotate(timeout)


def rules(policy: str) -> IngressBuilder:
    web = ingress("web", host="web.test").path("/", to="web:80").of_class("mse")
    return web.annotate({**POLICIES, **CHOOSING}[policy])


@asynccontextmanager
async def running_site(root: Path, policy: str) -> AsyncIterator[Site]:
    async with running_fleet(root / "fleet", NEVER) as made, rig(root) as served:
        for member in (ONE, TWO):
            made.fleet.apply(pods.deployment(env=member, replicas=2), "pods.yaml", to=member)
            made.fleet.apply(pods.service(), "service.yaml", to=member)
        served.declare("gateway.yaml", attaching(ONE, TWO))
        served.declare("web.yaml", rules(policy))
        site = Site(made, served)
        await site.settle()
        yield site


async def kill(site: Site) -> None:
    await site.world.kubelet.kill(ONE)


async def revive(site: Site) -> None:
    site.world.kubelet.revive(ONE)
    await site.settle()


async def scale_to_none(site: Site) -> None:
    site.world.fleet.scale(ONE, "web", 0)
    await site.settle()


async def scale_back(site: Site) -> None:
    site.world.fleet.scale(ONE, "web", 2)
    await site.settle()


async def delete_service(site: Site) -> None:
    site.world.fleet.delete_service(ONE, "web")
    await site.settle()


async def create_service(site: Site) -> None:
    site.world.fleet.apply(pods.service(), "service.yaml", to=ONE)
    await site.settle()


async def detach(site: Site) -> None:
    site.rig.declare("gateway.yaml", attaching(TWO))
    await site.rig.sync()


async def attach(site: Site) -> None:
    site.rig.declare("gateway.yaml", attaching(ONE, TWO))
    await site.rig.sync()


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(
    ("lose", "mend"),
    [
        pytest.param(kill, revive, id="kill-9"),
        pytest.param(scale_to_none, scale_back, id="scaled-to-0"),
        pytest.param(delete_service, create_service, id="service-deleted"),
        pytest.param(detach, attach, id="member-detached"),
    ],
)
def test_the_other_member_takes_over_and_traffic_returns(
    tmp_path: Path, policy: str, lose: Step, mend: Step
) -> None:
    async def scenario() -> None:
        async with running_site(tmp_path, policy) as site:
            load = Load(await site.rig.address(), QUESTION)
            async with load.running():
                await load.until_answered_by(ONE)
                await lose(site)
                if lose is not kill:
                    await load.answered(200)  # workers get a change after Envoy's acknowledgement
                lost = time.monotonic()
                await load.until_answered_by(TWO, since=lost)
                await load.answered(500)
                meanwhile = load.tally(since=lost)
                await mend(site)
                await load.until_answered_by(ONE, since=time.monotonic())
            assert load.tally().failures == {}
            assert set(meanwhile.members) == {TWO}
            assert meanwhile.worst_wait < AT_ONCE

    asyncio.run(scenario())


@pytest.mark.parametrize("policy", CHOOSING)
def test_no_way_to_choose_a_pod_loses_a_request(tmp_path: Path, policy: str) -> None:
    """All Pods of the member die that answers; the one of equal hashes may be in either."""

    async def scenario() -> None:
        async with running_site(tmp_path, policy) as site:
            load = Load(await site.rig.address(), QUESTION)
            async with load.running():
                await load.answered(100)
                dying = next(iter(load.tally().members))
                left = TWO if dying == ONE else ONE
                await site.world.kubelet.kill(dying)
                lost = time.monotonic()
                await load.until_answered_by(left, since=lost)
                await load.answered(500)
            assert load.tally().failures == {}

    asyncio.run(scenario())


def test_all_traffic_of_a_pinned_backend_returns(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_site(tmp_path, "pinned") as site:
            load = Load(await site.rig.address(), QUESTION)
            async with load.running():
                await load.until_answered_by(ONE)
                assert set(load.tally().members) == {ONE}
                await scale_to_none(site)
                await load.until_answered_by(TWO)
                await scale_back(site)
                await load.answered(200)
                since = time.monotonic()
                await load.answered(500)
            assert set(load.tally(since).members) == {ONE}
            assert load.tally().failures == {}

    asyncio.run(scenario())


@pytest.mark.parametrize("policy", POLICIES)
def test_a_member_whose_directory_vanishes_keeps_serving(tmp_path: Path, policy: str) -> None:
    async def scenario() -> None:
        async with (
            backend("web", member=ONE) as first,
            backend("web", member=TWO) as second,
            rig(tmp_path) as served,
        ):
            served.expose("web", [first], member=ONE)
            served.expose("web", [second], member=TWO)
            served.declare("web.yaml", rules(policy))
            load = Load(await served.address(), QUESTION)
            there, away = served.fleet.directory(ONE), tmp_path / "away"
            async with load.running():
                await load.until_answered_by(ONE)
                there.rename(away)
                await served.served.control.settle()
                assert not served.served.control.state.origins[ONE].reachable
                await load.answered(500)
                await load.until_answered_by(ONE, since=time.monotonic())
                away.rename(there)
                await served.sync()
                assert served.served.control.state.origins[ONE].reachable
                await load.until_answered_by(ONE, since=time.monotonic())
            assert load.tally().failures == {}

    asyncio.run(scenario())


def test_only_idempotent_requests_are_repeated_after_they_were_sent(tmp_path: Path) -> None:
    n = 40

    async def scenario() -> None:
        async with (
            backend("bad", manner=Manner.RESET) as bad,
            backend("good") as good,
            rig(tmp_path) as served,
        ):
            for method in ("GET", "PUT", "DELETE", "POST", "PATCH"):
                # Each has a Service of its own, because Envoy detects failures by Cluster.
                name = f"web-{method.lower()}"
                served.expose(name, [bad], member=ONE)
                served.expose(name, [good], member=TWO)
                rule = ingress(name, host=f"{name}.test").path("/", to=f"{name}:80")
                served.declare(f"{name}.yaml", rule.of_class("mse"))
            address = await served.address()

            async def failed(method: str) -> int:
                body = b"" if method in {"GET", "DELETE"} else b"content"
                question = Question("/", f"web-{method.lower()}.test", method=method, body=body)
                return sum((await ask(address, question, n, connections=1)).failures.values())

            for method in ("GET", "PUT", "DELETE"):
                assert await failed(method) == 0
                assert bad.methods[method] > 0
                assert good.methods[method] == n
            for method in ("POST", "PATCH"):
                assert await failed(method) == bad.methods[method] > 0
                assert good.methods[method] + bad.methods[method] == n

    asyncio.run(scenario())
