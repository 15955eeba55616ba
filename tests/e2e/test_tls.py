"""A gateway ends TLS: each host has its certificate, and what it serves in clear it serves here."""

from collections.abc import Iterator

import pytest

from tests.e2e.secured import Secured, is_refused, secured
from tests.e2e.standing import Standing, standing


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
