"""URLs and cookies in the answers of backends, as clients see them."""

import asyncio
from collections.abc import Iterator, Sequence

import aiohttp
import pytest

from tests.e2e.annotated import CANARY, WAYS, Annotated, annotated
from tests.e2e.standing import Standing, standing

NGINX = "nginx.ingress.kubernetes.io/"
SAID = (
    ("Location", "http://inner.test:8080/app/x?y=http://inner.test:8080/app"),
    ("Refresh", "5; URL=http://inner.test:8080/app/z"),
    ("Set-Cookie", "path=/app; Path=/app/x; Domain=.Inner.test; HttpOnly"),
    ("Set-Cookie", "b=2;domain=inner.test ;Secure"),
    ("Set-Cookie", "c=; domain=a.inner.test; PATH = /other"),
    ("Set-Cookie", "d"),
)

_LONGEST = 60_000
"""More bytes than a header of an answer may have at the gateway."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing[Annotated]]:
    with standing(annotated(tmp_path_factory.mktemp("annotated"))) as site:
        for pod in site.value.pods.values():
            pod.headers = SAID
        yield site


async def headers_of(
    site: Annotated, way: str, name: str, *, canary: bool
) -> Sequence[tuple[str, str]]:
    """Ask a gateway, and return those headers of the answer that a backend has said."""
    host, port = site.address
    headers = {"Host": WAYS[way][1].format(name), **(CANARY if canary else {})}
    async with aiohttp.ClientSession(max_field_size=_LONGEST) as session:
        url = f"http://{host}:{port}/{name}"
        async with session.get(url, headers=headers, allow_redirects=False) as answer:
            said = {name.lower() for name, _ in SAID}
            return [(n.title(), v) for n, v in answer.headers.items() if n.lower() in said]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("canary", [False, True], ids=["main", "canary"])
def test_answers_are_changed(site: Standing[Annotated], way: str, canary: bool) -> None:
    annotations = {
        f"{NGINX}proxy-redirect-from": "http://inner.test:8080/app",
        f"{NGINX}proxy-redirect-to": "https://outer.test",
        f"{NGINX}proxy-cookie-domain": "inner.test outer.test",
        f"{NGINX}proxy-cookie-path": "/app /",
    }
    site.run(site.value.declare("changed", annotations, canary={}))
    assert site.run(headers_of(site.value, way, "changed", canary=canary)) == [
        ("Location", "https://outer.test/x?y=http://inner.test:8080/app"),
        ("Refresh", "5; URL=https://outer.test/z"),
        ("Set-Cookie", "path=/app; Path=//x; Domain=outer.test; HttpOnly"),
        ("Set-Cookie", "b=2;domain=outer.test;Secure"),
        ("Set-Cookie", "c=; domain=a.inner.test; PATH = /other"),
        ("Set-Cookie", "d"),
    ]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "annotations",
    [
        pytest.param({}, id="no-annotation"),
        pytest.param({f"{NGINX}proxy-cookie-path": "/elsewhere /"}, id="other-path"),
        pytest.param({f"{NGINX}proxy-cookie-domain": "other.test a.test"}, id="other-domain"),
        pytest.param(
            {f"{NGINX}proxy-redirect-from": "https://", f"{NGINX}proxy-redirect-to": "http://"},
            id="other-url",
        ),
    ],
)
def test_other_answers_are_left_alone(
    site: Standing[Annotated], way: str, annotations: dict[str, str]
) -> None:
    site.run(site.value.declare("same", annotations))
    assert site.run(headers_of(site.value, way, "same", canary=False)) == list(SAID)


@pytest.mark.parametrize(
    "cookie",
    [
        pytest.param(f"a=1; Path=/app{' ' * 50_000}x", id="blanks-in-a-path"),
        pytest.param(f"a=1; {' ' * 50_000}x; Path=/app", id="blanks-before-a-name"),
        pytest.param(f"a=1; {'a' * 50_000}; Path=/app", id="long-name"),
        pytest.param(f"a=1{'; Path' * 8_000}; Path=/app", id="many-attributes"),
    ],
)
def test_a_backend_cannot_occupy_the_gateway_with_a_cookie(
    site: Standing[Annotated], cookie: str
) -> None:
    """Envoy answers nobody on a worker while a Lua pattern goes back and forth in a header."""
    site.run(site.value.declare("busy", {f"{NGINX}proxy-cookie-path": "/app /"}))
    pods = site.value.pods.values()
    kept = {pod: pod.headers for pod in pods}
    for pod in pods:
        pod.headers = (("Set-Cookie", cookie),)
    try:
        site.run(asyncio.wait_for(headers_of(site.value, "exact", "busy", canary=False), 5))
    finally:
        for pod in pods:
            pod.headers = kept[pod]
