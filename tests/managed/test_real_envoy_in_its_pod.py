"""A real Envoy runs on what a managed gateway's Pod has: its command, its files, its probe."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
import yaml

from fleetgate.hub.managed.bootstrap import FILE, bootstrap_files
from tests.certificates.served import DAY, SERVER, SHOP, Clock, Served, made, serial, served
from tests.managed.pod import NAME, Pod, eventually, pod, settings
from tests.managed.rig import alb, gateway, read
from tests.xds.gateway import SCOPE_HEADER, listener
from tests.xds.resources import LISTENER
from translators.dialects import DIALECTS
from translators.model.shapes import Size

pytestmark = pytest.mark.usefixtures("real_envoy")

SCOPE = {SCOPE_HEADER: "shop"}
WEB = "alb/web"


@asynccontextmanager
async def ready(place: Path) -> AsyncIterator[tuple[Served, Pod]]:
    """Have an Envoy of the gateway that is ready, while the block runs."""
    certificates = await made()
    files = dict(certificates.client_of(SHOP).files)
    async with (
        served(certificates.shown) as xds,
        pod(settings(xds.port, SERVER), files, place) as shop,
    ):
        await shop.becomes(200)
        yield xds, shop


def test_it_joins_its_gateway_by_its_certificate_and_serves(tmp_path: Path) -> None:
    async def story() -> None:
        async with ready(tmp_path) as (xds, shop):
            (client,) = xds.cache.clients()
            assert (client.node_id, client.group) == (NAME, SHOP)
            async with (
                aiohttp.ClientSession() as session,
                session.get(await shop.listener(), headers=SCOPE) as answer,
            ):
                assert await answer.text() == "first"

    asyncio.run(story())


def test_envoys_of_an_albconfig_take_listeners_that_come_while_they_run(tmp_path: Path) -> None:
    async def story() -> None:
        certificates = await made()
        async with served(certificates.shown) as xds:
            xds.cache.publish(WEB, {LISTENER: {"http-80": listener("http-80")}})
            files = dict(certificates.client_of(WEB).files)
            async with pod(settings(xds.port, SERVER), files, tmp_path, alb("web", 80)) as web:
                await web.becomes(200)
                (client,) = xds.cache.clients()
                assert client.group == WEB
                xds.cache.publish(WEB, {LISTENER: {"http-8001": listener("http-8001")}})

                async def listens() -> bool:
                    listeners = await web.admin("/listeners")
                    return "http-80::" in listeners and "http-8001::" in listeners

                await eventually(listens)

    asyncio.run(story())


def test_it_is_not_ready_before_it_has_a_configuration(tmp_path: Path) -> None:
    async def story() -> None:
        certificates = await made()
        async with served(certificates.shown) as xds:
            listeners = {LISTENER: dict(xds.cache.snapshot(SHOP)[LISTENER])}
            xds.cache.drop(SHOP)
            files = dict(certificates.client_of(SHOP).files)
            async with pod(settings(xds.port, SERVER), files, tmp_path) as shop:
                await xds.until(lambda: bool(xds.cache.clients()))
                assert await shop.probe() == 0
                xds.cache.publish(SHOP, listeners)
                await shop.becomes(200)

    asyncio.run(story())


def test_it_waits_for_its_configuration_without_end() -> None:
    ref, _ = read(gateway())
    bootstrap = yaml.safe_load(
        bootstrap_files(DIALECTS.name_of(ref), Size(), settings(18000, SERVER))[FILE]
    )
    dynamic = bootstrap["dynamic_resources"]
    assert dynamic["cds_config"]["initial_fetch_timeout"] == "0s"
    assert dynamic["lds_config"]["initial_fetch_timeout"] == "0s"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        pytest.param("POST", "/ready", id="only-get"),
        pytest.param("GET", "/", id="not-the-first-page"),
        pytest.param("GET", "/config_dump", id="not-the-configuration"),
        pytest.param("GET", "/ready/../config_dump", id="not-by-a-detour"),
        pytest.param("POST", "/quitquitquit", id="not-the-end"),
        pytest.param("GET", "/quitquitquit", id="not-the-end-by-get"),
        pytest.param("POST", "/stats/prometheus", id="statistics-only-by-get"),
        pytest.param("GET", "/stats", id="not-the-other-statistics"),
        pytest.param("GET", "/stats/prometheus/", id="not-below-the-statistics"),
        pytest.param("GET", "/stats/prometheus/../../config_dump", id="not-by-a-longer-detour"),
        pytest.param("GET", "/stats/prometheus%2F..%2F..%2Fconfig_dump", id="not-by-a-hidden-one"),
        pytest.param("POST", "/drain_listeners", id="not-the-drain"),
    ],
)
def test_nothing_but_its_readiness_and_statistics_is_shown_to_others(
    method: str, path: str, tmp_path: Path
) -> None:
    async def story() -> None:
        async with ready(tmp_path) as (_, shop):
            assert await shop.ask(method, path, shop.settings.ready_port) == 404

    asyncio.run(story())


def test_prometheus_is_told_where_its_statistics_are(tmp_path: Path) -> None:
    async def story() -> None:
        async with ready(tmp_path) as (_, shop):
            assert "# TYPE envoy_server_live gauge\n" in await shop.scrape()

    asyncio.run(story())


def test_before_it_stops_it_sends_its_clients_to_other_pods_and_serves_on(tmp_path: Path) -> None:
    async def story() -> None:
        async with (
            ready(tmp_path) as (_, shop),
            aiohttp.ClientSession(headers=SCOPE) as kept,
        ):
            url = await shop.listener()
            async with kept.get(url) as answer:
                assert "connection" not in answer.headers
            await shop.pre_stop()
            async with kept.get(url) as answer:
                assert (answer.status, answer.headers["connection"]) == (200, "close")
            async with aiohttp.ClientSession(headers=SCOPE) as new, new.get(url) as answer:
                assert (answer.status, answer.headers["connection"]) == (200, "close")

    asyncio.run(story())


def test_it_is_ready_while_it_drains_so_that_a_node_without_another_pod_serves_on(
    tmp_path: Path,
) -> None:
    """Its endpoint is serving and terminating: kube-proxy's last resort on a node."""

    async def story() -> None:
        async with ready(tmp_path) as (_, shop), aiohttp.ClientSession(headers=SCOPE) as client:
            await shop.pre_stop()
            async with client.get(await shop.listener()) as answer:
                assert answer.headers["connection"] == "close"
            for _ in range(shop.container["readinessProbe"]["failureThreshold"]):
                assert await shop.probe() == 200

    asyncio.run(story())


def test_it_follows_the_renewal_of_its_certificate_without_a_restart(tmp_path: Path) -> None:
    async def story() -> None:
        clock = Clock()
        certificates = await made(clock=clock)
        first = certificates.client_of(SHOP)
        async with (
            served(certificates.shown) as xds,
            pod(settings(xds.port, SERVER), dict(first.files), tmp_path) as shop,
        ):
            await shop.becomes(200)
            clock.now += 61 * DAY
            renewed = certificates.client_of(SHOP)
            assert renewed != first
            shop.mount("xds", dict(renewed.files))

            async def shown() -> bool:
                return f"{serial(renewed):x}" in await shop.admin("/certs")

            await eventually(shown)

    asyncio.run(story())


def test_xds_in_clear_needs_no_certificate() -> None:
    ref, _ = read(gateway())
    files = bootstrap_files(
        DIALECTS.name_of(ref), Size(), replace(settings(18000, SERVER), xds_server_name="")
    )
    assert list(files) == [FILE]
    assert "transport_socket" not in files[FILE]
