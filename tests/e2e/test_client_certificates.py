"""A host asks its clients for certificates, and nobody reaches it by another way."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import pytest

from fleetgate.demo.http import Tls
from tests.e2e.secured import Secured, secured
from tests.e2e.showing import NGINX, ask, ask_in_clear, authorities, guard
from tests.e2e.standing import Standing, standing
from tests.support.authority import Authority, Pair
from tests.support.builders import ingress
from tests.support.handshakes import client_context
from tests.support.http2 import ask_http2

HOSTS: Final = ("exact.test", "*.wild.test")
"""Hosts that need a certificate of OURS."""

SECRET: Final = {"auth-tls-secret": "default/ours"}


@dataclass(frozen=True, slots=True)
class Site:
    """A gateway with hosts that trust two authorities, and certificates by name."""

    secured: Secured
    ours: Authority
    theirs: Authority
    shown: dict[str, Pair | None]


def _certificates(ours: Authority, theirs: Authority) -> dict[str, Pair | None]:
    def issue(authority: Authority, name: str, ends: timedelta = timedelta(days=1)) -> Pair:
        return authority.issue(name, addresses=[], names=[name], ends=ends)

    first = ours.intermediate("first")
    second = first.intermediate("second")
    deep = issue(second, "deep")
    below = issue(first, "below")
    return {
        "alice": issue(ours, "alice"),
        "malice": issue(ours, "malice"),
        "theirs": issue(theirs, "alice"),
        "expired": issue(ours, "alice", ends=timedelta(minutes=-1)),
        "one-between": replace(below, certificate=below.certificate + first.certificate),
        "two-between": replace(
            deep, certificate=deep.certificate + second.certificate + first.certificate
        ),
        "none": None,
    }


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing[Secured]]:
    with standing(secured(tmp_path_factory.mktemp("clients"))) as site:
        yield site


@pytest.fixture(scope="module")
def clients(site: Standing[Secured]) -> Site:
    ours, theirs = Authority.make("ours", above=9), Authority.make("theirs", above=9)
    secure = site.value
    shown = _certificates(ours, theirs)
    revoked = ours.issue("revoked", addresses=[], names=["revoked"])
    revocations = ours.revoke(revoked)
    shown["revoked"] = revoked
    secure.rig.declare(
        "authorities.yaml",
        authorities("ours", ours),
        authorities("theirs", theirs),
        authorities("revoking", ours, revocations=revocations),
    )
    for host in HOSTS:
        site.run(guard(secure, host, None, SECRET))
    for host, asked in (
        ("theirs.test", {"auth-tls-secret": "default/theirs"}),
        ("depth.test", {**SECRET, "auth-tls-verify-depth": "2"}),
        ("optional.test", {**SECRET, "auth-tls-verify-client": "optional"}),
        ("any.test", {**SECRET, "auth-tls-verify-client": "optional_no_ca"}),
        ("off.test", {**SECRET, "auth-tls-verify-client": "off"}),
        ("named.test", {**SECRET, "auth-tls-match-cn": "CN=(alice|bob)"}),
        ("page.test", {**SECRET, "auth-tls-error-page": "https://help.test/certs?a=%20b"}),
        ("passing.test", {**SECRET, "auth-tls-pass-certificate-to-upstream": "true"}),
        ("revoking.test", {"auth-tls-secret": "default/revoking"}),
        ("missing.test", {"auth-tls-secret": "default/missing"}),
        ("elsewhere.test", {"auth-tls-secret": "other/ours"}),
        ("redirected.test", {**SECRET, "ssl-redirect": "true"}),
        ("open.test", {}),
        ("open.wild.test", {}),
    ):
        site.run(guard(secure, host, None, asked))
    return Site(secure, ours, theirs, shown)


OWN: Final = {"exact.test": "exact.test", "*.wild.test": "any.wild.test"}


@pytest.mark.parametrize("declared", HOSTS)
@pytest.mark.parametrize(
    ("shown", "status"),
    [
        pytest.param("alice", 200, id="good"),
        pytest.param("one-between", 200, id="by-an-intermediate"),
        pytest.param("two-between", 400, id="too-deep"),
        pytest.param("none", 400, id="none"),
        pytest.param("theirs", 400, id="of-another-authority"),
        pytest.param("expired", 400, id="expired"),
    ],
)
def test_only_a_good_certificate_gets_in(
    site: Standing[Secured],
    clients: Site,
    declared: str,
    shown: str,
    status: int,
    tmp_path: Path,
) -> None:
    asking = ask(site.value, OWN[declared], showing=clients.shown[shown], place=tmp_path)
    seen = site.run(asking)
    assert (seen.answer.status, seen.request is not None) == (status, status == 200)


@pytest.mark.parametrize("declared", HOSTS)
@pytest.mark.parametrize(
    ("name", "shown"),
    [
        pytest.param("open.test", "none", id="host-without-certificates"),
        pytest.param("open.test", "alice", id="host-without-certificates-shown-one"),
        pytest.param("theirs.test", "theirs", id="host-of-another-authority"),
        pytest.param("any.test", "theirs", id="host-that-takes-any"),
        pytest.param("optional.test", "alice", id="host-of-the-same-authority"),
        pytest.param("open.wild.test", "none", id="host-below-the-wildcard"),
    ],
)
def test_a_connection_to_another_host_does_not_get_in(
    site: Standing[Secured], clients: Site, declared: str, name: str, shown: str, tmp_path: Path
) -> None:
    """Browsers use one connection for several hosts of a certificate. 421 makes them open one."""
    host = OWN[declared]
    seen = site.run(ask(site.value, host, name=name, showing=clients.shown[shown], place=tmp_path))
    assert (seen.answer.status, seen.request) == (421, None)


@pytest.mark.parametrize("spelling", ["exact.test", "EXACT.test", "exact.test.", "exact.test:443"])
def test_a_connection_of_http2_to_another_host_does_not_get_in(
    site: Standing[Secured], clients: Site, spelling: str
) -> None:
    tls = Tls(client_context(site.value.authority, "h2"), "open.test")
    answer = site.run(ask_http2(site.value.https, [(":authority", spelling)], tls))
    assert answer.status == 421


@pytest.mark.parametrize("declared", HOSTS)
def test_a_request_in_clear_does_not_get_in(
    site: Standing[Secured], clients: Site, declared: str
) -> None:
    said = {"x-forwarded-proto": "https", "ssl-client-verify": "SUCCESS"}
    seen = site.run(ask_in_clear(site.value, OWN[declared], headers=said))
    assert (seen.answer.status, seen.request) == (421, None)


def test_a_request_in_clear_is_still_redirected(site: Standing[Secured], clients: Site) -> None:
    answer = site.run(ask_in_clear(site.value, "redirected.test", path="/a?b")).answer
    assert (answer.status, answer.headers["location"]) == (308, "https://redirected.test/a?b")


@pytest.mark.parametrize("name", ["exact.test", "any.wild.test"])
def test_a_certificate_does_not_count_for_other_hosts(
    site: Standing[Secured], clients: Site, name: str, tmp_path: Path
) -> None:
    """Otherwise a Pod of the other host would read about a client that it does not trust."""
    alice = clients.shown["alice"]
    seen = site.run(ask(site.value, "open.test", name=name, showing=alice, place=tmp_path))
    assert (seen.answer.status, seen.request) == (421, None)


def test_a_host_below_a_wildcard_asks_for_nothing(
    site: Standing[Secured], clients: Site, tmp_path: Path
) -> None:
    assert site.run(ask(site.value, "open.wild.test", place=tmp_path)).answer.status == 200


@pytest.mark.parametrize(
    ("host", "shown", "status", "verified"),
    [
        pytest.param("optional.test", "none", 200, "NONE", id="optional-none"),
        pytest.param("optional.test", "alice", 200, "SUCCESS", id="optional-good"),
        pytest.param("optional.test", "theirs", 400, "", id="optional-bad"),
        pytest.param("any.test", "none", 200, "NONE", id="any-none"),
        pytest.param("any.test", "alice", 200, "SUCCESS", id="any-good"),
        pytest.param("any.test", "theirs", 200, "FAILED", id="any-bad"),
        pytest.param("off.test", "none", 200, None, id="off"),
        pytest.param("depth.test", "two-between", 200, "SUCCESS", id="depth"),
        pytest.param("revoking.test", "alice", 200, "SUCCESS", id="not-revoked"),
        pytest.param("revoking.test", "revoked", 400, "", id="revoked"),
        pytest.param("named.test", "alice", 200, "SUCCESS", id="name"),
        pytest.param("named.test", "malice", 403, "", id="other-name"),
        pytest.param("named.test", "none", 400, "", id="no-name"),
        pytest.param("missing.test", "alice", 421, "", id="missing-secret"),
        pytest.param("elsewhere.test", "alice", 421, "", id="secret-of-another-namespace"),
    ],
)
def test_what_a_host_verifies_and_tells_its_pod(
    site: Standing[Secured],
    clients: Site,
    host: str,
    shown: str,
    status: int,
    verified: str | None,
    tmp_path: Path,
) -> None:
    seen = site.run(ask(site.value, host, showing=clients.shown[shown], place=tmp_path))
    assert seen.answer.status == status
    if status == 200:
        assert seen.request is not None
        assert seen.request.headers.get("ssl-client-verify") == verified


@pytest.mark.parametrize("host", ["missing.test", "elsewhere.test"])
def test_a_host_without_its_authorities_is_closed_in_clear_too(
    site: Standing[Secured], clients: Site, host: str
) -> None:
    assert site.run(ask_in_clear(site.value, host)).answer.status == 421


SPOOFED: Final = {
    "ssl-client-verify": "SUCCESS",
    "ssl-client-subject-dn": "CN=alice",
    "ssl-client-issuer-dn": "CN=ours",
    "ssl-client-cert": "mine",
    "x-forwarded-client-cert": "By=me",
}


def test_a_client_cannot_say_who_it_is_by_headers(
    site: Standing[Secured], clients: Site, tmp_path: Path
) -> None:
    over_tls = ask(site.value, "optional.test", headers=SPOOFED, place=tmp_path)
    for asking in (over_tls, ask_in_clear(site.value, "optional.test", headers=SPOOFED)):
        request = site.run(asking).request
        assert request is not None
        told = {name: request.headers[name] for name in SPOOFED if name in request.headers}
        assert told == {"ssl-client-verify": "NONE"}


def test_a_name_in_a_header_does_not_count(
    site: Standing[Secured], clients: Site, tmp_path: Path
) -> None:
    malice = clients.shown["malice"]
    asking = ask(site.value, "named.test", showing=malice, headers=SPOOFED, place=tmp_path)
    assert site.run(asking).answer.status == 403


def test_a_pod_learns_the_certificate(
    site: Standing[Secured], clients: Site, tmp_path: Path
) -> None:
    alice = clients.shown["alice"]
    assert alice is not None
    request = site.run(ask(site.value, "passing.test", showing=alice, place=tmp_path)).request
    assert request is not None
    headers = request.headers
    assert unquote(headers["ssl-client-cert"]) == alice.certificate.decode()
    assert headers["ssl-client-subject-dn"] == "CN=alice"
    assert headers["ssl-client-issuer-dn"] == "CN=ours"
    assert 'Subject="CN=alice"' in headers["x-forwarded-client-cert"]


def test_a_pod_gets_no_certificate_unless_asked_for(
    site: Standing[Secured], clients: Site, tmp_path: Path
) -> None:
    alice = clients.shown["alice"]
    request = site.run(ask(site.value, "exact.test", showing=alice, place=tmp_path)).request
    assert request is not None
    assert not request.headers.keys() & {"ssl-client-cert", "x-forwarded-client-cert"}


@pytest.mark.parametrize("shown", ["none", "theirs"])
def test_a_client_without_a_good_certificate_is_sent_to_a_page(
    site: Standing[Secured], clients: Site, shown: str, tmp_path: Path
) -> None:
    asking = ask(site.value, "page.test", showing=clients.shown[shown], place=tmp_path)
    answer = site.run(asking).answer
    expected = (302, "https://help.test/certs?a=%20b")
    assert (answer.status, answer.headers["location"]) == expected


@pytest.mark.parametrize("kind", ["Exact", "ImplementationSpecific"])
def test_an_authority_can_check_who_owns_the_host(
    site: Standing[Secured], clients: Site, kind: str
) -> None:
    """The Ingress of cert-manager's solver has no annotation about client certificates.

    Its path type depends on the version of cert-manager.
    """
    challenge = "/.well-known/acme-challenge/token"
    solver = ingress("solver", host="exact.test").path(challenge, to="web:80", kind=kind)
    site.value.rig.declare("solver.yaml", solver.of_class("mse"))
    site.run(site.value.rig.sync())
    assert site.run(ask_in_clear(site.value, "exact.test", path=challenge)).answer.status == 200
    assert site.run(ask_in_clear(site.value, "exact.test", path="/")).answer.status == 421


def test_a_path_that_pods_read_in_two_ways_is_refused(
    site: Standing[Secured], clients: Site, tmp_path: Path
) -> None:
    alice = clients.shown["alice"]
    asking = ask(site.value, "exact.test", showing=alice, path="/a%2Fb", place=tmp_path)
    assert site.run(asking).answer.status == 400


def test_a_rule_of_another_ingress_is_behind_the_check_too(
    site: Standing[Secured], clients: Site, tmp_path: Path
) -> None:
    beside = ingress("beside", host="exact.test").path("/beside", to="web:80").of_class("mse")
    site.value.rig.declare("beside.yaml", beside)
    site.run(site.value.rig.sync())
    for shown, status in (("none", 400), ("alice", 200)):
        asking = ask(
            site.value,
            "exact.test",
            path="/beside",
            showing=clients.shown[shown],
            place=tmp_path,
        )
        assert site.run(asking).answer.status == status


def test_a_canary_is_behind_the_check_of_its_main(
    site: Standing[Secured], clients: Site, tmp_path: Path
) -> None:
    canary = ingress("canary", host="exact.test").path("/", to="web:80").of_class("mse")
    annotations = {f"{NGINX}canary": "true", f"{NGINX}canary-by-header": "x-canary"}
    site.value.rig.declare("canary.yaml", canary.annotate(annotations))
    site.run(site.value.rig.sync())
    for shown, status in (("none", 400), ("alice", 200)):
        asking = ask(
            site.value,
            "exact.test",
            headers={"x-canary": "always"},
            showing=clients.shown[shown],
            place=tmp_path,
        )
        assert site.run(asking).answer.status == status


def test_rules_without_a_host_are_closed(site: Standing[Secured], clients: Site) -> None:
    annotations = {f"{NGINX}{key}": value for key, value in SECRET.items()}
    without = ingress("without").path("/without", to="web:80").of_class("mse")
    beside = ingress("free").path("/free", to="web:80").of_class("mse")
    site.value.rig.declare("without.yaml", without.annotate(annotations), beside)
    site.run(site.value.rig.sync())
    assert site.run(ask_in_clear(site.value, "unknown", path="/without")).answer.status == 503
    assert site.run(ask_in_clear(site.value, "unknown", path="/free")).answer.status == 200
