"""A gateway ends TLS: each host has its certificate, and what it serves in clear it serves here."""

import ssl
from collections.abc import Iterator

import pytest

from fleetgate.demo.http import Question, Tls
from tests.e2e.rig import ask_once
from tests.e2e.secured import Secured, is_refused, secured
from tests.e2e.standing import Standing, standing
from tests.support.handshakes import client_context, handshake
from tests.support.http2 import ask_http2

REDIRECT = {"nginx.ingress.kubernetes.io/ssl-redirect": "true"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing[Secured]]:
    with standing(secured(tmp_path_factory.mktemp("tls"))) as site:
        site.run(site.value.declare_host("exact.test"))
        site.run(site.value.declare_host("*.wild.test"))
        site.run(site.value.declare_host("own.wild.test"))
        yield site


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        pytest.param("exact.test", "exact.test", id="exact"),
        pytest.param("EXACT.Test", "exact.test", id="capitals"),
        pytest.param("exact.test.", "exact.test", id="final-dot"),
        pytest.param("any.wild.test", "*.wild.test", id="below-a-wildcard"),
        pytest.param("Any.WILD.test", "*.wild.test", id="below-a-wildcard-in-capitals"),
        pytest.param("own.wild.test", "own.wild.test", id="exact-before-wildcard"),
    ],
)
def test_a_handshake_shows_the_certificate_of_the_host(
    site: Standing[Secured], name: str, shown: str
) -> None:
    assert site.run(site.value.handshake(name)).name == shown


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("unknown.test", id="unknown"),
        pytest.param("a.b.wild.test", id="two-labels-below-a-wildcard"),
        pytest.param("wild.test", id="bare-domain"),
        pytest.param(None, id="without-a-name"),
    ],
)
def test_a_host_without_a_certificate_is_refused(site: Standing[Secured], name: str | None) -> None:
    assert site.run(is_refused(site.value, name))


def test_https_serves_the_rules_of_the_host(site: Standing[Secured]) -> None:
    answer = site.run(site.value.ask("exact.test", "/page?x=1"))
    assert (answer.status, answer.body) == (200, b"web")
    assert site.value.pod.asked[-1].path == "/page?x=1"


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        pytest.param(("h2", "http/1.1"), "h2", id="both"),
        pytest.param(("http/1.1",), "http/1.1", id="http-1"),
        pytest.param((), "", id="none"),
        pytest.param(("spdy/3",), "", id="another"),
    ],
)
def test_the_protocol_is_agreed_upon_by_alpn(
    site: Standing[Secured], offered: tuple[str, ...], chosen: str
) -> None:
    assert site.run(site.value.handshake("exact.test", *offered)).alpn == chosen


def test_http2_is_served(site: Standing[Secured]) -> None:
    tls = Tls(client_context(site.value.authority, "h2"), "exact.test")
    answer = site.run(ask_http2(site.value.https, [(":authority", "exact.test")], tls))
    assert (answer.status, answer.body) == (200, b"web")


@pytest.mark.parametrize(
    ("version", "is_served"),
    [
        pytest.param(ssl.TLSVersion.TLSv1_1, False, id="1.1"),
        pytest.param(ssl.TLSVersion.TLSv1_2, True, id="1.2"),
        pytest.param(ssl.TLSVersion.TLSv1_3, True, id="1.3"),
    ],
)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_a_version_of_tls_is_served_or_refused(
    site: Standing[Secured], version: ssl.TLSVersion, is_served: bool
) -> None:
    context = client_context(site.value.authority)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    try:
        shown = site.run(handshake(site.value.https, "exact.test", context))
    except ssl.SSLError:
        assert not is_served
    else:
        assert is_served
        assert shown.version.replace("v1", "v1_").replace("_.", "_") == version.name


def test_a_backend_learns_that_it_was_asked_by_https(site: Standing[Secured]) -> None:
    lies = {"x-forwarded-proto": "http", "x-forwarded-port": "80", "x-scheme": "http"}
    site.run(site.value.ask("exact.test", headers=lies))
    headers = site.value.pod.asked[-1].headers
    assert headers["x-forwarded-proto"] == headers["x-scheme"] == "https"
    assert headers["x-forwarded-port"] == "443"
    assert headers["x-forwarded-host"] == "exact.test"


@pytest.mark.parametrize(
    ("declared", "host", "target"),
    [
        pytest.param("sent.test", "sent.test", "https://sent.test/a?b=1", id="exact"),
        pytest.param("sent.test", "sent.test:8080", "https://sent.test/a?b=1", id="with-a-port"),
        pytest.param("*.sent.test", "x.sent.test", "https://x.sent.test/a?b=1", id="wildcard"),
        pytest.param(
            "*.sent.test", "x.sent.test:80", "https://x.sent.test/a?b=1", id="wildcard-with-port-80"
        ),
    ],
)
def test_a_request_in_clear_is_sent_to_https(
    site: Standing[Secured], declared: str, host: str, target: str
) -> None:
    served = site.value
    redirected = served.ingress(declared, "sent").annotate(REDIRECT)
    served.rig.declare("sent.yaml", redirected, served.secret("sent", declared))
    site.run(served.rig.sync())
    answer = site.run(ask_once(served.http, Question("/a?b=1", host)))
    assert (answer.status, answer.headers["location"]) == (308, target)
    assert site.run(served.ask(host, "/a?b=1")).status == 200


def test_a_host_without_a_certificate_is_served_in_clear(site: Standing[Secured]) -> None:
    served = site.value
    served.rig.declare("bare.yaml", served.ingress("bare.test", "none").annotate(REDIRECT))
    site.run(served.rig.sync())
    assert site.run(ask_once(served.http, Question("/", "bare.test"))).status == 200
    assert site.run(is_refused(served, "bare.test"))


ALIAS = "nginx.ingress.kubernetes.io/server-alias"
WWW = "nginx.ingress.kubernetes.io/from-to-www-redirect"


@pytest.mark.parametrize(
    ("annotations", "name", "certified"),
    [
        pytest.param({ALIAS: "alias.test"}, "alias.test", "alias.test", id="alias"),
        pytest.param({ALIAS: "*.alias.test"}, "any.alias.test", "*.alias.test", id="wildcard"),
        pytest.param({WWW: "true"}, "www.twice.test", "www.twice.test", id="www"),
    ],
)
@pytest.mark.parametrize("named", [False, True], ids=["covered", "named-in-the-entry"])
def test_a_further_name_of_a_host_is_served_over_https(
    site: Standing[Secured],
    annotations: dict[str, str],
    name: str,
    certified: str,
    named: bool,
) -> None:
    served = site.value
    hosts = ["twice.test", certified] if named else ["twice.test"]
    made = served.ingress("twice.test", "twice", *hosts).annotate({**annotations, **REDIRECT})
    served.rig.declare("twice.yaml", made, served.secret("twice", "twice.test", certified))
    site.run(served.rig.sync())
    site.run(served.handshake(name, checks=True))
    answer = site.run(served.ask(name, "/page?x=1"))
    if WWW in annotations:
        assert answer.status == 308
        assert answer.headers["location"] == "https://twice.test/page?x=1"
        return
    assert (answer.status, answer.body) == (200, b"web")
    in_clear = site.run(ask_once(served.http, Question("/page?x=1", name)))
    assert (in_clear.status, in_clear.headers["location"]) == (308, f"https://{name}/page?x=1")
