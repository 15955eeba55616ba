"""A gateway with `fleetgate.dev/http3` serves its TLS hosts by HTTP/3 too."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.e2e.rig import ONE, TWO
from tests.e2e.secured import Secured, secured
from tests.e2e.showing import authorities, guard
from tests.e2e.standing import Standing, standing
from tests.support.authority import Authority
from tests.support.builders import mse_gateway
from tests.support.http3 import Http3Client, http3_client
from translators.dialects.edge_settings import HTTP3

ADVERTISED = 'h3=":443"; ma=86400'


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing[Secured]]:
    with standing(secured(tmp_path_factory.mktemp("quic"))) as site:
        gateway = mse_gateway("gw", members=[ONE, TWO]).annotate({HTTP3: "true"})
        site.value.rig.declare("gateway.yaml", gateway)
        site.run(site.value.declare_host("first.test"))
        site.run(site.value.declare_host("*.wild.test"))
        yield site


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        pytest.param("first.test", "first.test", id="exact"),
        pytest.param("any.wild.test", "*.wild.test", id="wildcard"),
    ],
)
def test_a_host_is_served_by_http3(site: Standing[Secured], host: str, shown: str) -> None:
    async def asking() -> tuple[str, int, bytes]:
        async with http3_client(site.value.https, host, site.value.authority) as client:
            answer = await client.ask(host, "/page?x=1")
            return client.certificate, answer.status, answer.body

    assert site.run(asking()) == (shown, 200, b"web")
    request = site.value.pod.asked[-1]
    assert request.path == "/page?x=1"
    assert request.headers["x-forwarded-proto"] == "https"
    assert request.headers["x-forwarded-for"] == "127.0.0.1"


def test_answers_over_tls_tell_of_http3(site: Standing[Secured]) -> None:
    served = site.run(site.value.ask("first.test"))
    own = site.run(site.value.ask("unknown.test", name="first.test"))
    assert (served.status, served.headers["alt-svc"]) == (200, ADVERTISED)
    assert (own.status, own.headers["alt-svc"]) == (404, ADVERTISED)


def test_a_host_that_asks_for_certificates_is_not_served_by_http3(site: Standing[Secured]) -> None:
    ca = authorities("ours", Authority.make("ours"))
    asked = {"auth-tls-secret": "ours"}
    site.run(guard(site.value, "guarded.test", ca, asked))

    async def asking() -> tuple[int, int, str]:
        async with http3_client(site.value.https, "guarded.test", site.value.authority) as client:
            by_quic = await client.ask("guarded.test")
        answer = await site.value.ask("guarded.test")
        return by_quic.status, answer.status, answer.headers.get("alt-svc", "")

    assert site.run(asking()) == (421, 400, "")


def test_a_certificate_changes_under_load(site: Standing[Secured]) -> None:
    """No request of an open connection fails, and new ones get the new certificate."""
    secure = site.value

    async def loading(client: Http3Client, done: asyncio.Event) -> int:
        count = 0
        while not done.is_set():
            assert (await client.ask("first.test")).status == 200
            count += 1
        return count

    async def changing() -> tuple[int, list[str]]:
        done = asyncio.Event()
        shown: list[str] = []
        to_first = http3_client(secure.https, "first.test", secure.authority)
        async with to_first as client, asyncio.TaskGroup() as tasks:
            load = tasks.create_task(loading(client, done))
            for number in range(5):
                new = secure.secret("first-test", f"new-{number}.test", "first.test")
                made = secure.ingress("first.test", "first-test")
                secure.rig.declare("first-test.yaml", made, new)
                await secure.rig.sync()
                another = http3_client(secure.https, "first.test", secure.authority)
                async with another as fresh:
                    shown.append(fresh.certificate)
                    assert (await fresh.ask("first.test")).status == 200
            done.set()
        return load.result(), shown

    count, shown = site.run(changing())
    assert shown == [f"new-{number}.test" for number in range(5)]
    assert count > 5


def test_a_new_host_leaves_open_connections_alone(site: Standing[Secured]) -> None:
    secure = site.value

    async def adding() -> list[int]:
        async with http3_client(secure.https, "first.test", secure.authority) as client:
            statuses = [(await client.ask("first.test")).status]
            await secure.declare_host("added.test")
            statuses.append((await client.ask("first.test")).status)
        async with http3_client(secure.https, "added.test", secure.authority) as fresh:
            statuses.append((await fresh.ask("added.test")).status)
        return statuses

    assert site.run(adding()) == [200, 200, 200]
