"""Backends over TLS: certificates on both sides, and the name in the handshake."""

import asyncio
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from fleet.models import Secret
from fleetgate.demo.http import Address, Answer, Question
from fleetgate.demo.load import Load
from tests.e2e.backends import Backend, Manner
from tests.e2e.rig import ONE, Rig, ask_once, rig
from tests.e2e.speaking import http_pod, tls_of
from tests.e2e.standing import Standing, standing
from tests.support.authority import Authority, Pair
from tests.support.builders import Builder, ingress, service, slice_of

NGINX = "nginx.ingress.kubernetes.io/"
SSL = f"{NGINX}proxy-ssl-"
HTTPS = {f"{NGINX}backend-protocol": "HTTPS"}
TRUSTING = {**HTTPS, f"{SSL}verify": "on", f"{SSL}secret": "trusted"}


@dataclass(frozen=True, slots=True)
class Site:
    rig: Rig
    gateway: Address
    names: list[str | None] = field(default_factory=list)
    """The names that handshakes with Pods asked for."""


def secret(name: str, authority: Authority, pair: Pair | None) -> Builder[Secret]:
    texts = {"ca.crt": authority.certificate}
    if pair:
        texts |= {"tls.crt": pair.certificate, "tls.key": pair.key}
    data = {key: b64encode(value).decode() for key, value in texts.items()}
    return Builder(Secret, "v1", name, {"data": data})


async def greet(request: web.BaseRequest) -> web.Response:
    assert request.transport is not None
    peer: Any = request.transport.get_extra_info("peercert")
    return web.Response(
        text=dict(part for (part,) in peer["subject"])["commonName"] if peer else ""
    )


@asynccontextmanager
async def running_site(root: Path) -> AsyncIterator[Site]:
    ours, others = Authority.make("ours"), Authority.make("others")
    names: list[str | None] = []
    async with AsyncExitStack() as stack:
        served = await stack.enter_async_context(rig(root))
        for name, demands in (("open", False), ("closed", True)):
            pair = ours.issue("pod", addresses=["127.0.0.1"], names=["pod.test"])
            context = tls_of(pair, root)
            context.sni_callback = lambda _, asked, __: names.append(asked)
            if demands:
                context.load_verify_locations(cadata=ours.certificate.decode())
                context.verify_mode = ssl.CERT_REQUIRED
            host, port = await stack.enter_async_context(http_pod(greet, context))
            endpoints = slice_of(name, addresses=[host], port=port)
            served.declare(f"{name}.yaml", service(name), endpoints, to=ONE)
        client = ours.issue("gateway", addresses=[], names=["gateway.test"])
        served.declare(
            "secrets.yaml",
            secret("trusted", ours, client),
            secret("strangers", others, None),
        )
        yield Site(served, await served.address(), names)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing[Site]]:
    with standing(running_site(tmp_path_factory.mktemp("site"))) as site:
        yield site


def ask(site: Standing[Site], annotations: Mapping[str, str], to: str = "open") -> Answer:
    async def asking() -> Answer:
        web = ingress("web", host="web.test").path("/", to=f"{to}:80").of_class("mse")
        site.value.rig.declare("web.yaml", web.annotate(annotations))
        await site.value.rig.sync()
        return await ask_once(site.value.gateway, Question("/", "web.test"))

    return site.run(asking())


@pytest.mark.parametrize(
    ("annotations", "status"),
    [
        pytest.param(HTTPS, 200, id="not-verified"),
        pytest.param(TRUSTING, 200, id="of-our-authority"),
        pytest.param({**TRUSTING, f"{SSL}name": "pod.test"}, 200, id="of-the-name"),
        pytest.param({**TRUSTING, f"{SSL}name": "other.test"}, 503, id="of-another-name"),
        pytest.param({**TRUSTING, f"{SSL}secret": "strangers"}, 503, id="of-another-authority"),
        pytest.param({**TRUSTING, f"{SSL}secret": "nowhere"}, 503, id="without-authorities"),
        pytest.param({**HTTPS, f"{SSL}secret": "nowhere"}, 200, id="absent-secret"),
        pytest.param({**HTTPS, f"{SSL}protocols": "TLSv1.2"}, 200, id="tls-1.2"),
        pytest.param(
            {
                **HTTPS,
                f"{SSL}protocols": "TLSv1.2",
                f"{SSL}ciphers": "ECDHE-ECDSA-AES128-GCM-SHA256",
            },
            200,
            id="cipher-that-the-pod-has",
        ),
        pytest.param(
            {**HTTPS, f"{SSL}protocols": "TLSv1.2", f"{SSL}ciphers": "AES128-SHA"},
            503,
            id="cipher-that-it-has-not",
        ),
    ],
)
def test_the_certificate_of_a_pod_is_verified(
    site: Standing[Site], annotations: Mapping[str, str], status: int
) -> None:
    assert ask(site, annotations).status == status


def test_a_pod_that_demands_a_certificate_gets_that_of_the_secret(site: Standing[Site]) -> None:
    answer = ask(site, {**HTTPS, f"{SSL}secret": "trusted"}, to="closed")
    assert (answer.status, answer.body) == (200, b"gateway")
    assert ask(site, HTTPS, to="closed").status == 503


@pytest.mark.parametrize(
    ("annotations", "name"),
    [
        pytest.param({}, None, id="none"),
        pytest.param({f"{SSL}name": "pod.test"}, None, id="off"),
        pytest.param({f"{SSL}server-name": "on", f"{SSL}name": "pod.test"}, "pod.test", id="name"),
        pytest.param({f"{SSL}server-name": "on"}, "web.test", id="host-of-the-request"),
    ],
)
def test_the_name_in_the_handshake(
    site: Standing[Site], annotations: Mapping[str, str], name: str | None
) -> None:
    """A handshake that asks for no name may be one of an earlier test, over a connection of it."""
    site.value.names.clear()
    assert ask(site, {**HTTPS, **annotations}).status == 200
    assert site.value.names == [name] if name else {*site.value.names} <= {None}


@asynccontextmanager
async def living_pod(name: str, context: ssl.SSLContext) -> AsyncIterator[Backend]:
    """Run a Pod while the block runs; then it dies, with all of its connections."""
    opened: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opened.append(writer)
        await pod.serve(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    pod = Backend(name, server.sockets[0].getsockname(), name, Manner.ANSWER)
    try:
        yield pod
    finally:
        server.close()
        for writer in opened:
            writer.transport.abort()


def test_no_request_is_lost_when_a_pod_dies(tmp_path: Path) -> None:
    async def scenario() -> None:
        ours = Authority.make("ours")
        pair = ours.issue("pod", addresses=["127.0.0.1"], names=["pod.test"])
        context = tls_of(pair, tmp_path)
        async with AsyncExitStack() as stack, AsyncExitStack() as dying:
            served = await stack.enter_async_context(rig(tmp_path))
            pods = [
                await dying.enter_async_context(living_pod("dying", context)),
                await stack.enter_async_context(living_pod("living", context)),
            ]
            served.expose("web", pods)
            rule = ingress("web", host="web.test").path("/", to="web:80").of_class("mse")
            verified = {**TRUSTING, f"{SSL}server-name": "on", f"{SSL}name": "pod.test"}
            served.declare("web.yaml", secret("trusted", ours, pair), rule.annotate(verified))
            load = Load(await served.address(), Question("/", "web.test"))
            async with load.running():
                await load.until_answered_by("dying")
                await dying.aclose()
                await load.answered(500)
            assert load.tally().failures == {}
            assert set(load.tally().members) == {"dying", "living"}

    asyncio.run(scenario())
