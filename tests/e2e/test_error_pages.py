"""Errors of a backend are answered by the default backend, in each way to a host's table."""

from collections.abc import Iterator

import pytest

from tests.e2e.annotated import WAYS, Annotated, Seen, annotated
from tests.e2e.backends import Manner
from tests.e2e.standing import Standing, standing

NGINX = "nginx.ingress.kubernetes.io/"
PAGES = {f"{NGINX}default-backend": "canary", f"{NGINX}custom-http-errors": "404,503"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing[Annotated]]:
    with standing(annotated(tmp_path_factory.mktemp("annotated"))) as site:
        yield site


def ask(
    site: Standing[Annotated],
    way: str,
    annotations: dict[str, str],
    manner: Manner = Manner.UNAVAILABLE,
    method: str = "GET",
) -> Seen:
    async def asking() -> Seen:
        feature = await site.value.declare("broken", annotations, canary={})
        pod = site.value.pods["main"]
        await feature.ask(way, "/broken")  # a success keeps the Pod from being ejected
        pod.manner = manner
        try:
            return await feature.ask(way, "/broken/page", method=method)
        finally:
            pod.manner = Manner.ANSWER

    return site.run(asking())


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_default_backend_gives_the_answer_and_the_status_stays(
    site: Standing[Annotated], way: str, method: str
) -> None:
    seen = ask(site, way, PAGES, method=method)
    assert (seen.answer.status, seen.answer.body) == (503, b"canary")
    page = site.value.pods["canary"].asked[-1]
    assert (page.method, page.path, page.headers["x-code"]) == ("GET", "/", "503")
    assert "x-fg-scope" not in page.headers


@pytest.mark.parametrize("way", WAYS)
def test_other_answers_stay(site: Standing[Annotated], way: str) -> None:
    assert ask(site, way, PAGES, Manner.ANSWER).answer.body == b"main"
    others = {**PAGES, f"{NGINX}custom-http-errors": "404"}
    assert ask(site, way, others).answer.body == b"main"


def test_without_a_default_backend_the_answer_stays(site: Standing[Annotated]) -> None:
    alone = {f"{NGINX}custom-http-errors": "503"}
    assert ask(site, "exact", alone).answer.body == b"main"
    nowhere = {**PAGES, f"{NGINX}default-backend": "nowhere"}
    assert ask(site, "exact", nowhere).answer.status == 503


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("body", [b"", b"x", b"x" * 70_000], ids=["none", "byte", "long"])
@pytest.mark.parametrize("code", ["302", "307", "308"])
def test_a_redirect_stays_whatever_body_the_request_has(
    site: Standing[Annotated], way: str, body: bytes, code: str
) -> None:
    """Envoy would never answer a request with a body if it asked for another answer instead."""
    moved = {f"{NGINX}temporal-redirect": "https://new.test/", f"{NGINX}custom-http-errors": code}
    redirects = {**PAGES, **moved, f"{NGINX}temporal-redirect-code": code}

    async def asking() -> Seen:
        feature = await site.value.declare("moved", redirects, canary={})
        return await feature.ask(way, "/moved", method="POST", body=body)

    seen = site.run(asking())
    assert (seen.answer.status, seen.request) == (int(code), None)
    assert seen.answer.headers["location"] == "https://new.test/"
