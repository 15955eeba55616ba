"""Settings of a gateway about TLS: the certificate of other hosts, and what answers say of TLS."""

import asyncio
from collections.abc import Iterator

import pytest

from fleetgate.demo.http import Question
from tests.e2e.rig import ask_once
from tests.e2e.secured import Secured, secured
from tests.e2e.standing import Standing, standing
from tests.support.handshakes import client_context

HSTS = "max-age=600; includeSubDomains"
SETTINGS = {
    "fleetgate.dev/default-certificate": "edge/default",
    "fleetgate.dev/hsts": HSTS,
    "fleetgate.dev/trusted-proxies": "127.0.0.1/32",
    "fleetgate.dev/proxy-protocol": "true",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing[Secured]]:
    with standing(secured(tmp_path_factory.mktemp("tls"), SETTINGS)) as site:
        served = site.value
        default = served.secret("default", "default.test").in_namespace("edge")
        served.rig.declare("default.yaml", default)
        site.run(served.declare_host("own.test"))
        site.run(served.declare_host("*.wild.test"))
        yield site


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        pytest.param("unknown.test", "default.test", id="unknown"),
        pytest.param("a.b.wild.test", "default.test", id="two-labels-below-a-wildcard"),
        pytest.param(None, "default.test", id="without-a-name"),
        pytest.param("own.test", "own.test", id="a-host-with-its-own"),
        pytest.param("a.wild.test", "*.wild.test", id="below-a-wildcard"),
    ],
)
def test_the_default_certificate_is_for_all_other_hosts(
    site: Standing[Secured], name: str | None, shown: str
) -> None:
    assert site.run(site.value.handshake(name)).name == shown


def test_a_host_that_gets_a_certificate_shows_it_where_the_default_was_shown(
    site: Standing[Secured],
) -> None:
    assert site.run(site.value.handshake("late.test")).name == "default.test"
    site.run(site.value.declare_host("late.test"))
    assert site.run(site.value.handshake("late.test")).name == "late.test"


def test_a_new_default_certificate_is_shown_under_names_that_showed_the_old_one(
    site: Standing[Secured],
) -> None:
    served = site.value
    before = site.run(served.handshake("turned.test")).certificate.serial_number
    default = served.secret("default", "default.test").in_namespace("edge")
    served.rig.declare("default.yaml", default)
    site.run(served.rig.sync())
    after = site.run(served.handshake("turned.test"))
    assert after.name == "default.test"
    assert after.certificate.serial_number != before


@pytest.mark.parametrize(
    ("host", "path", "status"),
    [
        pytest.param("own.test", "/", 200, id="of-a-backend"),
        pytest.param("unknown.test", "/", 404, id="of-the-gateway"),
        pytest.param("dead.test", "/", 503, id="without-a-pod"),
    ],
)
def test_all_answers_over_tls_demand_tls(
    site: Standing[Secured], host: str, path: str, status: int
) -> None:
    served = site.value
    dead = served.ingress("dead.test", "none")
    served.rig.declare("dead.yaml", dead.with_spec(rules=[{**RULE, "host": "dead.test"}]))
    site.run(served.rig.sync())
    answer = site.run(served.ask(host, path))
    assert (answer.status, answer.headers.get("strict-transport-security")) == (status, HSTS)


RULE = {
    "http": {
        "paths": [
            {
                "path": "/",
                "pathType": "Prefix",
                "backend": {"service": {"name": "nobody", "port": {"number": 80}}},
            }
        ]
    }
}


def test_no_answer_in_clear_demands_it(site: Standing[Secured]) -> None:
    answer = site.run(ask_once(site.value.http, Question("/", "own.test")))
    assert answer.status == 200
    assert "strict-transport-security" not in answer.headers


def test_a_trusted_proxy_may_name_the_client_before_the_handshake(
    site: Standing[Secured],
) -> None:
    """The PROXY header comes in clear, and TLS begins behind it."""
    served = site.value

    async def ask_behind_a_proxy() -> None:
        context = client_context(served.authority)
        reader, writer = await asyncio.open_connection(*served.https)
        writer.write(b"PROXY TCP4 192.0.2.7 192.0.2.1 4000 443\r\n")
        await writer.drain()
        await writer.start_tls(context, server_hostname="own.test")
        writer.write(Question("/", "own.test").encode())
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.transport.abort()

    site.run(ask_behind_a_proxy())
    assert served.pod.asked[-1].headers["x-forwarded-for"] == "192.0.2.7"
    assert served.pod.asked[-1].headers["x-forwarded-proto"] == "https"
