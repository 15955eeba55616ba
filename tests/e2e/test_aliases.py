"""Further names of hosts, as clients see them."""

from collections.abc import Iterator

import pytest

from fleetgate.demo.http import Question
from tests.e2e.annotated import CANARY, Annotated, annotated
from tests.e2e.standing import Standing, standing

NGINX = "nginx.ingress.kubernetes.io/"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing[Annotated]]:
    with standing(annotated(tmp_path_factory.mktemp("annotated"))) as site:
        yield site


@pytest.mark.parametrize(
    "host",
    [
        pytest.param("other.test", id="exact"),
        pytest.param("OTHER.Test:8080", id="capitals-and-port"),
        pytest.param("any.other.test", id="wildcard"),
    ],
)
@pytest.mark.parametrize(("canary", "pod"), [(False, "main"), (True, "canary")])
def test_an_alias_serves_what_its_host_serves(
    site: Standing[Annotated], host: str, canary: bool, pod: str
) -> None:
    aliases = {f"{NGINX}server-alias": "other.test,*.other.test"}
    site.run(site.value.declare("named", aliases, canary={}))
    headers = CANARY if canary else {}
    seen = site.run(site.value.ask(Question("/named/x?y=1", host, headers)))
    assert (seen.answer.status, seen.pod) == (200, pod)
    assert seen.request is not None
    assert (seen.request.path, seen.request.headers["host"]) == ("/named/x?y=1", host)


@pytest.mark.parametrize("host", ["www.moved.test", "WWW.moved.test:8080"])
def test_the_other_spelling_is_redirected(site: Standing[Annotated], host: str) -> None:
    site.run(site.value.declare("moved", {f"{NGINX}from-to-www-redirect": "true"}))
    seen = site.run(site.value.ask(Question("/moved/x?y=%20", host)))
    assert (seen.answer.status, seen.request) == (308, None)
    assert seen.answer.headers["location"] == "http://moved.test/moved/x?y=%20"
