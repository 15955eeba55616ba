"""Hosts with TLS of their own: versions, ciphers, passthrough. Other hosts notice nothing."""

import asyncio
import ssl
from collections.abc import Iterator, Mapping
from typing import Final

import pytest
from aiohttp import web

from fleetgate.demo.http import HttpClient, Question, Tls
from tests.e2e.rig import ONE, PATIENCE, ask_once
from tests.e2e.secured import Secured, secured
from tests.e2e.showing import NGINX
from tests.e2e.speaking import http_pod, self_made, tls_of
from tests.e2e.standing import Standing, standing
from tests.support.builders import IngressBuilder, ingress, service, slice_of
from tests.support.handshakes import client_context, handshake

MSE: Final = "mse.ingress.kubernetes.io/"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing[Secured]]:
    with standing(secured(tmp_path_factory.mktemp("own"))) as site:
        site.run(site.value.declare_host("usual.test"))
        yield site


async def declare(site: Secured, host: str, annotations: Mapping[str, str]) -> None:
    """Declare a host with a certificate and these annotations."""
    name = host.replace("*", "star").replace(".", "-")
    made = site.ingress(host, name).annotate(annotations)
    site.rig.declare(f"{name}.yaml", made, site.secret(name, host))
    await site.rig.sync()


async def takes(
    site: Secured, host: str, version: ssl.TLSVersion, ciphers: str = "DEFAULT"
) -> bool:
    """Return whether a handshake with this version of TLS and these ciphers succeeds."""
    context = client_context(site.authority, checks=False)
    context.minimum_version = context.maximum_version = version
    context.set_ciphers(f"{ciphers}:@SECLEVEL=0")
    try:
        await handshake(site.https, host, context)
    except ssl.SSLError:
        return False
    return True


V1_0, V1_1 = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
V1_2, V1_3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize(
    ("asked", "taken"),
    [
        pytest.param({}, [V1_2, V1_3], id="by-default"),
        pytest.param({"min": "TLSv1.3"}, [V1_3], id="only-1.3"),
        pytest.param({"max": "TLSv1.2"}, [V1_2], id="up-to-1.2"),
        pytest.param({"min": "TLSv1.0"}, [V1_0, V1_1, V1_2, V1_3], id="from-1.0"),
        pytest.param({"min": "TLSv1.1", "max": "TLSv1.2"}, [V1_1, V1_2], id="from-1.1-to-1.2"),
        pytest.param({"max": "TLSv1.1"}, [V1_1], id="only-1.1"),
        pytest.param({"min": "TLSv1.3", "max": "TLSv1.2"}, [V1_3], id="contradiction"),
    ],
)
@pytest.mark.parametrize("declared", ["versions.test", "*.versions.test"])
def test_a_host_takes_only_its_versions_of_tls(
    site: Standing[Secured], declared: str, asked: Mapping[str, str], taken: list[ssl.TLSVersion]
) -> None:
    annotations = {f"{MSE}tls-{end}-protocol-version": value for end, value in asked.items()}
    site.run(declare(site.value, declared, annotations))
    host = declared.replace("*", "any")

    async def trying() -> list[ssl.TLSVersion]:
        versions = [V1_0, V1_1, V1_2, V1_3]
        return [each for each in versions if await takes(site.value, host, each)]

    assert site.run(trying()) == taken
    assert site.run(takes(site.value, "usual.test", V1_2))


def test_an_alias_takes_only_the_versions_of_its_host(site: Standing[Secured]) -> None:
    secure = site.value
    asked = {f"{MSE}tls-min-protocol-version": "TLSv1.3", f"{NGINX}server-alias": "alias.test"}
    made = secure.ingress("named.test", "named").annotate(asked)
    secure.rig.declare("named.yaml", made, secure.secret("named", "named.test", "alias.test"))
    site.run(secure.rig.sync())
    taken = [site.run(takes(secure, "alias.test", version)) for version in (V1_2, V1_3)]
    assert taken == [False, True]


@pytest.mark.parametrize(
    ("offer", "is_taken"),
    [
        pytest.param("ECDHE-ECDSA-AES256-GCM-SHA384", True, id="listed"),
        pytest.param("ECDHE-ECDSA-AES128-GCM-SHA256", False, id="not-listed"),
    ],
)
@pytest.mark.parametrize("key", ["ssl-cipher", "ssl-ciphers"])
def test_a_host_takes_only_its_ciphers(
    site: Standing[Secured], key: str, offer: str, *, is_taken: bool
) -> None:
    listed = "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:UNHEARD-OF:!aNULL"
    site.run(declare(site.value, "ciphers.test", {f"{NGINX}{key}": listed}))
    assert site.run(takes(site.value, "ciphers.test", V1_2, offer)) is is_taken
    assert site.run(takes(site.value, "ciphers.test", V1_3))
    assert site.run(takes(site.value, "usual.test", V1_2, offer))


def of_passthrough(host: str) -> IngressBuilder:
    made = ingress("sends-on", host=host).path("/", to="ends-tls:443").path("/more", to="web:80")
    return made.annotate({f"{NGINX}ssl-passthrough": "true"}).of_class("mse")


@pytest.mark.parametrize("declared", ["through.test", "*.through.test"])
def test_passthrough_leaves_tls_to_the_pod(
    site: Standing[Secured], declared: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    host = declared.replace("*", "any")
    secure = site.value
    names: list[str | None] = []
    context = tls_of(self_made(), tmp_path_factory.mktemp("pod"))
    context.sni_callback = lambda _socket, name, _context: names.append(name)

    async def talking() -> tuple[str, bytes, int]:
        async with http_pod(_say_host, context) as (place, port):
            ports = {"https": 443}
            slices = slice_of("ends-tls", addresses=[place], port=port, port_name="https")
            secure.rig.declare("t.yaml", service("ends-tls", ports=ports), slices, to=ONE)
            secure.rig.declare("through.yaml", of_passthrough(declared))
            await secure.rig.sync()
            shown = await secure.handshake(host)
            answer = await secure.ask(host, "/more")
            in_clear = await ask_once(secure.http, Question("/more", host))
            return shown.name, answer.body, in_clear.status

    assert site.run(talking()) == ("pod", f"{host} /more".encode(), 200)
    assert set(names) == {host}
    assert site.value.pod.asked[-1].path == "/more"  # the one in clear text


async def _say_host(request: web.BaseRequest) -> web.StreamResponse:
    return web.Response(text=f"{request.headers['host']} {request.raw_path}")


def test_passthrough_is_for_https_and_the_rest_is_redirected(site: Standing[Secured]) -> None:
    made = of_passthrough("sent.test").annotate({f"{NGINX}force-ssl-redirect": "true"})
    site.value.rig.declare("through.yaml", made)
    site.run(site.value.rig.sync())
    answer = site.run(ask_once(site.value.http, Question("/a", "sent.test")))
    assert (answer.status, answer.headers["location"]) == (308, "https://sent.test/a")


def test_passthrough_without_a_rule_for_the_root_has_no_effect(site: Standing[Secured]) -> None:
    made = ingress("sends-on", host="rootless.test").path("/only", to="web:80").of_class("mse")
    made = made.annotate({f"{NGINX}ssl-passthrough": "true"}).tls("sends-on", "rootless.test")
    site.value.rig.declare("through.yaml", made, site.value.secret("sends-on", "rootless.test"))
    site.run(site.value.rig.sync())
    assert site.run(site.value.ask("rootless.test", "/only")).body == b"web"


def test_open_connections_of_other_hosts_stay(site: Standing[Secured]) -> None:
    """A host with TLS of its own comes, changes, and goes."""
    secure = site.value

    async def keeping() -> list[bool]:
        context = client_context(secure.authority, checks=False)
        await declare(secure, "other.test", {f"{MSE}tls-min-protocol-version": "TLSv1.3"})
        clients = [
            HttpClient(secure.https, Question("/", host), PATIENCE, Tls(context, host))
            for host in ("usual.test", "other.test")
        ]
        closed = [(await client.ask()).last for client in clients]
        for version in ("TLSv1.3", "TLSv1.2", ""):
            annotations = {f"{MSE}tls-max-protocol-version": version} if version else {}
            await declare(secure, "comes.test", annotations)
            closed += [(await client.ask()).last for client in clients]
        for client in clients:
            client.close()
        return closed

    assert site.run(asyncio.wait_for(keeping(), 60)) == [False] * 8
