"""The ingress of a member by DNS name and by TLS, through an Envoy with a DNS server and roots."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

import pytest

from fleetgate.demo.http import Question
from fleetgate.demo.load import Load
from tests.e2e.hybrid import (
    BY_PODS,
    HOST,
    NEAR,
    OTHER,
    POD_PORT,
    Pods,
    by_gateway,
    envoy_with_files,
    hidden,
    hybrid,
    reachable,
    run_ingress,
    settle,
    udp_inside,
    web,
)
from tests.e2e.rig import Rig, ask_once
from tests.e2e.shares import shares
from tests.e2e.speaking import tls_of
from tests.support.authority import Authority, Pair
from tests.support.builders import ingress, slice_of
from tests.support.dns import Names, dns_server
from tests.support.netns import Namespace, available, namespace
from tests.support.requirement import require
from translators.envoy.member_gateways import ROOTS

ASK = Question("/", HOST)

NAME = "ingress.test"

RESOLVER = "/etc/resolv.conf"


@pytest.fixture(autouse=True)
def _namespaces() -> None:
    require(available())
    require(None if Path(RESOLVER).exists() else f"there is no {RESOLVER} to take the place of")


def with_files(
    monkeypatch: pytest.MonkeyPatch, place: Path, files: Mapping[str, str | bytes]
) -> None:
    """Let Envoys see these files."""
    place.mkdir()
    monkeypatch.setenv("PATH", str(envoy_with_files(place, files)), prepend=":")


def declare(served: Rig, near: Pods, other: Pods, number: int) -> None:
    """Declare the Service, with this number of Pods behind the ingress."""
    served.expose("web", near.pods, member=NEAR)
    addresses = [pod.address[0] for pod in other.pods[:number]]
    pods = slice_of("web", addresses=addresses, port=POD_PORT, port_name="http")
    served.declare("web.yaml", web(), pods, to=OTHER)


def in_namespace(
    scenario: Callable[[Namespace], Coroutine[Any, Any, None]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Run a scenario in a network with hidden Pods, whose DNS server Envoy asks."""
    with namespace() as host:
        host.hide_pods()
        with_files(monkeypatch, tmp_path / "envoy", {RESOLVER: f"nameserver {host.address}\n"})
        asyncio.run(scenario(host))


def test_a_name_has_the_share_of_its_pods_however_many_addresses_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(host: Namespace) -> None:
        places = [f"{host.pods}{number}" for number in (210, 211, 212)]
        names = Names({NAME: places})
        settings = {NEAR: BY_PODS, OTHER: by_gateway(NAME)}
        async with (
            dns_server(udp_inside(host), names),
            reachable(1) as near,
            hidden(host, 3, OTHER) as other,
            hybrid(tmp_path, settings) as served,
        ):
            ingresses = [await run_ingress(host, other, address=place) for place in places]
            declare(served, near, other, 3)
            address = await served.address()
            assert await shares(address, ASK) == pytest.approx({NEAR: 25, OTHER: 75}, abs=5)
            assert all(ingress.asked for ingress in ingresses)
            async with Load(address, ASK).running() as load:
                for number in (1, 2, 3, 1, 2, 3, 0, 3):
                    declare(served, near, other, number)
                    await served.sync()
                    await load.answered(200)
            assert load.tally().failures == {}

    in_namespace(scenario, tmp_path, monkeypatch)


def test_no_request_is_lost_while_dns_takes_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The Cluster from before keeps its endpoints until the one with the name takes its place."""

    async def scenario(host: Namespace) -> None:
        names = Names({NAME: [f"{host.pods}211"]}, delay=0.3)
        by_address = by_gateway(f"{host.pods}210")
        async with (
            dns_server(udp_inside(host), names),
            reachable(1) as near,
            hidden(host, 1, OTHER) as other,
            hybrid(tmp_path, {NEAR: BY_PODS, OTHER: by_address}) as served,
        ):
            first, second = [
                await run_ingress(host, other, address=f"{host.pods}{n}") for n in (210, 211)
            ]
            declare(served, near, other, 1)
            served.expose("web", [], member=NEAR)
            async with Load(await served.address(), ASK).running() as load:
                for settings, now in (
                    (by_gateway(NAME), second),
                    (by_address, first),
                    (by_gateway(NAME), second),
                ):
                    await load.answered(100)
                    now.asked.clear()
                    settle(served, OTHER, settings)
                    await served.sync()
                    async with asyncio.timeout(30):
                        while not now.asked:
                            await load.answered(50)
                await load.answered(100)
            assert load.tally().failures == {}

    in_namespace(scenario, tmp_path, monkeypatch)


def test_a_request_under_way_outlives_the_change_of_its_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(host: Namespace) -> None:
        names = Names({NAME: [host.address]})
        async with (
            dns_server(udp_inside(host), names),
            reachable(1) as near,
            hidden(host, 3, OTHER) as other,
            hybrid(tmp_path, {NEAR: BY_PODS, OTHER: by_gateway(NAME)}) as served,
        ):
            own = await run_ingress(host, other)
            declare(served, near, other, 1)
            served.expose("web", [], member=NEAR)
            address = await served.address()
            waiting = asyncio.create_task(ask_once(address, Question("/slow", HOST)))
            await own.has_been_asked("/slow")
            for number in (2, 3):
                declare(served, near, other, number)
                await served.sync()
            assert await shares(address, ASK, 50)
            assert not waiting.done()
            own.held.set()
            answer = await waiting
            assert (answer.status, answer.headers["x-member"]) == (200, OTHER)

    in_namespace(scenario, tmp_path, monkeypatch)


def test_a_backend_whose_only_name_nobody_resolves_lets_others_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    async def scenario(host: Namespace) -> None:
        async with (
            dns_server(udp_inside(host), Names({}, silent=[NAME])) as names,
            reachable(1) as near,
            hidden(host, 1, OTHER) as other,
            hybrid(tmp_path, {NEAR: BY_PODS, OTHER: by_gateway(NAME)}) as served,
        ):
            declare(served, near, other, 1)
            served.expose("web", [], member=NEAR)
            address = await served.address()
            assert (await ask_once(address, ASK)).status == 503
            made = ingress("new", host="new.test").path("/", to="new:80").of_class("mse")
            served.declare("new.yaml", made)
            served.expose("new", near.pods, member=NEAR)
            await served.sync()
            assert (await ask_once(address, Question("/", "new.test"))).status == 200
            assert set(names.asked) == {NAME}

    in_namespace(scenario, tmp_path, monkeypatch)


def test_an_authorizer_whose_name_nobody_resolves_lets_others_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(host: Namespace) -> None:
        async with (
            dns_server(udp_inside(host), Names({}, silent=[NAME])) as names,
            reachable(1) as near,
            hybrid(tmp_path, {NEAR: BY_PODS}) as served,
        ):
            served.expose("web", near.pods, member=NEAR)
            address = await served.address()
            asked = {"nginx.ingress.kubernetes.io/auth-url": f"http://{NAME}/"}
            guarded = ingress("guarded", host="guarded.test").path("/", to="web:80")
            served.declare("guarded.yaml", guarded.of_class("mse").annotate(asked))
            async with asyncio.timeout(30):
                while NAME not in names.asked:
                    await ask_once(address, ASK)
            made = ingress("new", host="new.test").path("/", to="web:80").of_class("mse")
            served.declare("new.yaml", made)
            async with asyncio.timeout(10):
                while (await ask_once(address, Question("/", "new.test"))).status != 200:
                    pass
            assert (await ask_once(address, Question("/", "guarded.test"))).status >= 400

    in_namespace(scenario, tmp_path, monkeypatch)


@pytest.mark.parametrize("silent", [False, True], ids=["unknown", "no-answer"])
def test_a_name_that_cannot_be_resolved_harms_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, silent: bool
) -> None:
    async def scenario(host: Namespace) -> None:
        names = Names({}, silent=[NAME] if silent else [])
        settings = {NEAR: BY_PODS, OTHER: BY_PODS}
        async with (
            dns_server(udp_inside(host), names),
            reachable(1) as near,
            hidden(host, 1, OTHER) as other,
            hybrid(tmp_path, settings) as served,
        ):
            declare(served, near, other, 0)
            address = await served.address()
            async with Load(address, ASK).running() as load:
                await load.answered(50)
                settle(served, OTHER, by_gateway(NAME))
                declare(served, near, other, 1)
                await served.sync()
                await load.answered(200)
                async with asyncio.timeout(30):
                    while NAME not in names.asked:
                        await load.answered(50)
                await load.answered(200)
                own = await run_ingress(host, other)
                names.silent.clear()
                names.addresses[NAME] = [host.address]
                await load.until_answered_by(OTHER)
            assert load.tally().failures == {}
            assert own.asked

    in_namespace(scenario, tmp_path, monkeypatch)


AUTHORITY = Authority.make("roots of the system")

GOOD = AUTHORITY.issue("ingress", addresses=[], names=[NAME])

WRONG_NAME = AUTHORITY.issue("ingress", addresses=[], names=["another.test"])

STRANGE = Authority.make("another").issue("ingress", addresses=[], names=[NAME])


@pytest.mark.parametrize(
    ("tls", "shown", "wanted"),
    [
        pytest.param("verified", GOOD, OTHER, id="verified"),
        pytest.param("verified", WRONG_NAME, "503", id="verified-another-name"),
        pytest.param("verified", STRANGE, "503", id="verified-another-authority"),
        pytest.param("unverified", STRANGE, OTHER, id="unverified"),
    ],
)
def test_an_ingress_is_asked_by_tls_with_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tls: str, shown: Pair, wanted: str
) -> None:
    async def scenario(host: Namespace) -> None:
        gateway = by_gateway(host.address, tls, NAME)
        context = tls_of(shown, tmp_path)
        asked: list[str | None] = []
        context.sni_callback = lambda _, name, __: asked.append(name)
        async with (
            reachable(1) as near,
            hidden(host, 1, OTHER) as other,
            hybrid(tmp_path, {NEAR: BY_PODS, OTHER: gateway}) as served,
        ):
            own = await run_ingress(host, other, tls=context)
            declare(served, near, other, 1)
            served.expose("web", [], member=NEAR)
            address = await served.address()
            answer = await ask_once(address, ASK)
            assert answer.headers.get("x-member", str(answer.status)) == wanted
            assert set(asked) == {NAME}
            assert {request.headers["host"] for request in own.asked} <= {HOST}
            served.expose("web", near.pods, member=NEAR)
            await served.sync()
            assert NEAR in await shares(address, ASK, 100), "Pods are asked in clear"

    with namespace() as host:
        with_files(monkeypatch, tmp_path / "envoy", {ROOTS: AUTHORITY.certificate})
        asyncio.run(scenario(host))
