"""Active health checks: Pods leave before a request fails at them, and come back."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import cycle
from pathlib import Path

import pytest

from fleetgate.demo.http import Address, Question
from tests.e2e.backends import Backend, Manner, backend
from tests.e2e.hybrid import by_gateway, settle
from tests.e2e.rig import ONE, TWO, Rig, ask_once, rig
from tests.support.builders import alb_class, alb_gateway, ingress
from tests.translators.alb_rules import ALB

pytestmark = pytest.mark.usefixtures("real_envoy")

FAST = {
    "healthcheck-enabled": "true",
    "healthcheck-path": "/up",
    "healthcheck-method": "GET",
    "healthcheck-interval-seconds": "1",
    "healthy-threshold-count": "2",
    "unhealthy-threshold-count": "2",
}


@asynccontextmanager
async def checked(root: Path, pods: dict[str, list[Backend]], **more: str) -> AsyncIterator[Rig]:
    """Serve a gateway whose Service `web` has these Pods in each member, with health checks."""
    async with rig(root, gateway=False) as served:
        for member, found in pods.items():
            served.expose("web", found, member=member)
        made = ingress("web", host="web.test").path("/", to="web:80").of_class("alb")
        settings = {key.replace("_", "-"): value for key, value in more.items()}
        spelt = {ALB + key: value for key, value in (FAST | settings).items()}
        gateway = alb_gateway("gw", members=(ONE, TWO))
        served.declare("gateway.yaml", gateway, alb_class(), made.annotate(spelt))
        yield served


async def ask(address: Address) -> str:
    """Ask once, and return the Pod that has answered."""
    answer = await ask_once(address, Question("/", "web.test"))
    assert answer.status == 200
    return answer.body.decode()


def asked(pod: Backend) -> list[str]:
    """Return the paths of requests that were no checks."""
    return [request.path for request in pod.asked if request.path != "/up"]


def test_a_pod_that_fails_its_check_gets_no_request_and_comes_back(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            backend("good") as good,
            backend("bad", manner=Manner.UNAVAILABLE) as bad,
            checked(tmp_path, {ONE: [good], TWO: [bad]}) as served,
        ):
            address = await served.address("alb/gw")
            async with asyncio.timeout(60):
                # Until the first answer to a check, all Pods get requests. The second check follows
                # that answer.
                await good.has_been_asked("/up", times=2)
            assert {await ask(address) for _ in range(20)} == {"good"}
            assert not asked(bad)
            assert {request.headers["host"] for request in bad.asked} == {"web.default"}
            bad.manner = Manner.ANSWER
            async with asyncio.timeout(60):
                while await ask(address) != "bad":
                    pass

    asyncio.run(scenario())


def test_a_removed_pod_goes_at_once_whatever_its_check_says(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            backend("old") as old,
            backend("new") as new,
            checked(tmp_path, {ONE: [old, new]}) as served,
        ):
            address = await served.address("alb/gw")
            served.expose("web", [new])
            await served.sync()
            before = len(asked(old))
            assert {await ask(address) for _ in range(20)} == {"new"}
            assert len(asked(old)) == before

    asyncio.run(scenario())


def test_pods_are_asked_at_a_port_of_its_own(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with backend("web") as web, backend("probe") as probe:
            port = str(probe.address[1])
            async with checked(tmp_path, {ONE: [web]}, healthcheck_connect_port=port) as served:
                address = await served.address("alb/gw")
                async with asyncio.timeout(60):
                    await probe.has_been_asked("/up")
                assert await ask(address) == "web"
                assert [request.path for request in web.asked] == ["/"]

    asyncio.run(scenario())


@pytest.mark.parametrize("protocol", ["TCP", "GRPC"])
def test_a_connection_is_enough_for_tcp(tmp_path: Path, protocol: str) -> None:
    async def scenario() -> None:
        async with (
            backend("web") as web,
            checked(tmp_path, {ONE: [web]}, healthcheck_protocol=protocol) as served,
        ):
            address = await served.address("alb/gw")
            assert await ask(address) == "web"

    asyncio.run(scenario())


@pytest.mark.parametrize("manner", [Manner.UNAVAILABLE, Manner.ANSWER])
def test_checks_that_all_fail_take_no_pod_away(tmp_path: Path, manner: Manner) -> None:
    async def scenario() -> None:
        async with (
            backend("web", manner=manner) as web,
            checked(tmp_path, {ONE: [web]}, healthcheck_code="http_4xx") as served,
        ):
            address = await served.address("alb/gw")
            answer = await ask_once(address, Question("/", "web.test"))
            assert answer.status == (200 if manner is Manner.ANSWER else 503)
            assert asked(web)

    asyncio.run(scenario())


def test_a_healthy_pod_without_requests_is_asked_at_each_interval(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with backend("good") as good, checked(tmp_path, {ONE: [good]}) as served:
            await served.address("alb/gw")
            async with asyncio.timeout(30):
                await good.has_been_asked("/up", times=4)

    asyncio.run(scenario())


LASTING = {"fleetgate.dev/upstream-idle-timeout": "600s"}
"""A setting of the gateway with which no idle timeout ends a check."""

PENDING = {**FAST, "healthcheck-timeout-seconds": "300"}
"""A check that a silent Pod keeps pending for longer than a test waits."""


@asynccontextmanager
async def held_up(root: Path) -> AsyncIterator[tuple[Rig, Backend, Backend]]:
    """Serve a gateway with the Services `silent` and `web`, which have no Ingress."""
    async with (
        backend("silent", manner=Manner.SILENT) as silent,
        backend("web") as web,
        rig(root, gateway=False) as served,
    ):
        gateway = alb_gateway("gw", members=(ONE, TWO)).annotate(LASTING)
        served.declare("gateway.yaml", gateway, alb_class())
        served.expose("web", [web])
        served.expose("silent", [silent])
        yield served, silent, web


def check_silent(served: Rig, interval: int) -> None:
    """Declare the Ingress whose check stays pending."""
    made = ingress("silent", host="silent.test").path("/", to="silent:80").of_class("alb")
    settings = {**PENDING, "healthcheck-interval-seconds": str(interval)}
    served.declare("silent.yaml", made.annotate({ALB + key: v for key, v in settings.items()}))


def add_host(served: Rig) -> None:
    """Declare the host `web.test` of another tenant."""
    served.declare(
        "web.yaml", ingress("web", host="web.test").path("/", to="web:80").of_class("alb")
    )


async def until_served(address: Address, meanwhile: Callable[[], None] = lambda: None) -> None:
    """Return when the host `web.test` is served."""
    async with asyncio.timeout(15):
        while (await ask_once(address, Question("/", "web.test"))).status != 200:
            meanwhile()


def test_a_pending_check_holds_up_no_other_host(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with held_up(tmp_path) as (served, silent, _):
            address = await served.address("alb/gw")
            check_silent(served, 2)
            async with asyncio.timeout(30):
                await silent.has_been_asked("/up")
            add_host(served)
            await until_served(address)

    asyncio.run(scenario())


def test_a_pending_check_that_changes_all_the_time_holds_up_no_other_host(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with held_up(tmp_path) as (served, silent, _):
            address = await served.address("alb/gw")
            intervals = cycle(range(1, 51))
            for times in (1, 2, 3):
                check_silent(served, next(intervals))
                async with asyncio.timeout(30):
                    await silent.has_been_asked("/up", times)
            add_host(served)
            await until_served(address, lambda: check_silent(served, next(intervals)))

    asyncio.run(scenario())


def test_a_pending_check_holds_up_no_envoy_that_starts(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with held_up(tmp_path) as (served, silent, _):
            check_silent(served, 2)
            add_host(served)
            async with asyncio.timeout(30):
                await until_served(await served.address("alb/gw"))
                await silent.has_been_asked("/up")

    asyncio.run(scenario())


def test_a_pending_check_of_a_cluster_with_a_dns_name_holds_up_no_other_host_for_long(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        async with held_up(tmp_path) as (served, silent, web):
            settle(served, TWO, by_gateway("localhost"))
            served.expose("silent", [web], member=TWO)
            address = await served.address("alb/gw")
            check_silent(served, 2)
            async with asyncio.timeout(30):
                await silent.has_been_asked("/up")
            add_host(served)
            await until_served(address)

    asyncio.run(scenario())
