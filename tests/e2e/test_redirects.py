"""Redirects to a URL, as clients see them; no Pod is asked."""

from collections.abc import Iterator

import pytest

from tests.e2e.annotated import WAYS, Annotated, annotated
from tests.e2e.standing import Standing, standing

NGINX = "nginx.ingress.kubernetes.io/"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing[Annotated]]:
    with standing(annotated(tmp_path_factory.mktemp("annotated"))) as site:
        yield site


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("canary", [False, True], ids=["main", "canary"])
@pytest.mark.parametrize(
    ("url", "location"),
    [
        pytest.param("https://new.test", "https://new.test/moved/x?y=%20", id="keeps-the-path"),
        pytest.param("https://new.test/", "https://new.test/", id="root"),
        pytest.param("http://new.test:81/a?b=%25#c", "http://new.test:81/a?b=%25#c", id="all"),
    ],
)
def test_requests_are_sent_to_a_url(
    site: Standing[Annotated], way: str, canary: bool, url: str, location: str
) -> None:
    feature = site.run(site.value.declare("moved", {f"{NGINX}temporal-redirect": url}))
    seen = site.run(feature.ask(way, "/moved/x?y=%20", canary=canary))
    assert (seen.answer.status, seen.request) == (302, None)
    assert seen.answer.headers["location"] == location


@pytest.mark.parametrize("code", range(300, 309))
@pytest.mark.parametrize("way", ["exact", "wildcard"])
@pytest.mark.parametrize("path", ["", "/a%25"], ids=["keeps-the-path", "path"])
def test_every_status_comes_with_a_location(
    site: Standing[Annotated], way: str, code: int, path: str
) -> None:
    annotations = {
        f"{NGINX}permanent-redirect": f"https://new.test{path}",
        f"{NGINX}permanent-redirect-code": str(code),
    }
    feature = site.run(site.value.declare("codes", annotations))
    seen = site.run(feature.ask(way, "/codes?a=%25"))
    assert (seen.answer.status, seen.request) == (code, None)
    assert seen.answer.headers["location"] == f"https://new.test{path or '/codes?a=%25'}"
