"""CORS: what pages of allowed origins and of others see through a gateway."""

from collections.abc import Iterator

import pytest

from tests.e2e.annotated import WAYS, Annotated, Feature, annotated
from tests.e2e.standing import Standing, standing
from tests.translators.plans import NGINX

ALLOWED, BELOW, OTHER = "https://shop.test", "https://a.b.pages.test", "https://evil.test"

ANNOTATIONS = {
    f"{NGINX}enable-cors": "true",
    f"{NGINX}cors-allow-origin": "https://shop.test, https://*.pages.test",
    f"{NGINX}cors-allow-methods": "GET, PUT",
    f"{NGINX}cors-allow-headers": "X-One",
    f"{NGINX}cors-expose-headers": "X-Two",
    f"{NGINX}cors-max-age": "60",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing[Annotated]]:
    with standing(annotated(tmp_path_factory.mktemp("cors"))) as site:
        yield site


@pytest.fixture(scope="module")
def cors(site: Standing[Annotated]) -> Feature:
    return site.run(site.value.declare("cors", ANNOTATIONS, canary={}))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("canary", [False, True], ids=["main", "canary"])
@pytest.mark.parametrize("origin", [ALLOWED, BELOW])
def test_a_page_of_an_allowed_origin_may_read_the_answer(
    site: Standing[Annotated], cors: Feature, way: str, canary: bool, origin: str
) -> None:
    seen = site.run(cors.ask(way, "/cors", headers={"origin": origin}, canary=canary))
    assert (seen.answer.status, seen.pod) == (200, "canary" if canary else "main")
    assert seen.answer.headers["access-control-allow-origin"] == origin
    assert seen.answer.headers["access-control-allow-credentials"] == "true"
    assert seen.answer.headers["access-control-expose-headers"] == "X-Two"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "origin",
    [
        OTHER,
        "http://shop.test",
        "https://shop.test:8443",
        "https://pages.test",
        "https://x.pages.test.evil.test",
        "https://evilpages.test",
        "null",
        None,
    ],
)
def test_another_origin_is_served_without_headers_for_pages(
    site: Standing[Annotated], cors: Feature, way: str, origin: str | None
) -> None:
    headers = {"origin": origin} if origin else {}
    seen = site.run(cors.ask(way, "/cors", headers=headers))
    assert (seen.answer.status, seen.pod) == (200, "main")
    assert not [name for name in seen.answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("way", WAYS)
def test_a_preflight_of_an_allowed_origin_is_answered_by_the_gateway(
    site: Standing[Annotated], cors: Feature, way: str
) -> None:
    headers = {"origin": ALLOWED, "access-control-request-method": "PUT"}
    seen = site.run(cors.ask(way, "/cors", headers=headers, method="OPTIONS"))
    assert (seen.answer.status, seen.pod) == (200, "")
    shown = {k: v for k, v in seen.answer.headers.items() if k.startswith("access-control")}
    assert shown == {
        "access-control-allow-origin": ALLOWED,
        "access-control-allow-methods": "GET, PUT",
        "access-control-allow-headers": "X-One",
        "access-control-max-age": "60",
        "access-control-allow-credentials": "true",
    } | ({k: shown[k] for k in shown if k == "access-control-expose-headers"})


@pytest.mark.parametrize("way", WAYS)
def test_a_preflight_of_another_origin_reaches_the_pod(
    site: Standing[Annotated], cors: Feature, way: str
) -> None:
    headers = {"origin": OTHER, "access-control-request-method": "PUT"}
    seen = site.run(cors.ask(way, "/cors", headers=headers, method="OPTIONS"))
    assert (seen.answer.status, seen.pod) == (200, "main")


def test_by_default_every_origin_is_echoed(site: Standing[Annotated]) -> None:
    feature = site.run(site.value.declare("open", {f"{NGINX}enable-cors": "true"}))
    seen = site.run(feature.ask("exact", "/open", headers={"origin": OTHER}))
    assert seen.answer.headers["access-control-allow-origin"] == OTHER


def test_without_a_usable_origin_nobody_is_allowed(site: Standing[Annotated]) -> None:
    unusable = {f"{NGINX}enable-cors": "true", f"{NGINX}cors-allow-origin": "shop.test"}
    feature = site.run(site.value.declare("closed", unusable))
    seen = site.run(feature.ask("exact", "/closed", headers={"origin": ALLOWED}))
    assert seen.answer.status == 200
    assert "access-control-allow-origin" not in seen.answer.headers
