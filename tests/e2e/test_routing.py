"""A real Envoy serves each request by the rule that its host and path demand."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fleetgate.demo.http import Address, Answer, Question
from tests.e2e.backends import Backend, backend
from tests.e2e.rig import ONE, TWO, Rig, ask_once, rig
from tests.e2e.standing import Standing, standing
from tests.support.builders import (
    Builder,
    IngressBuilder,
    ingress,
    mse_gateway,
    service,
    slice_of,
)
from translators.envoy.host_tables import LONG

PLAIN, FALLBACK = "plain", "fallback"

SERVICES = ("cart", "exact-cart", "items", "all", "wild", "exact-host", "any", "spare", "rest")


def long_host(name: str, host: str) -> IngressBuilder:
    """Make an Ingress of so many paths that its host has a tree."""
    made = ingress(name, host=host)
    for n in range(LONG + 1):
        made = made.path(f"/p/{n}", to="wild:80")
    return made


RULES: tuple[Builder[Any], ...] = (  # of different kinds
    mse_gateway(PLAIN, members=[ONE, TWO], ingress_class=PLAIN),
    mse_gateway(FALLBACK, members=[ONE, TWO], ingress_class=FALLBACK),
    ingress("shop", host="shop.test")
    .path("/cart", to="exact-cart:http", kind="Exact")
    .path("/cart", to="cart:80")
    .path("/cart/items/", to="items:80")
    .path("/nobody", to="missing:80")
    .path("/no-port", to="cart:81")
    .path("/no-pod", to="no-pod:80")
    .path("/port-name", to="two-ports:web")
    .host("all.test")
    .path("/", to="all:80", kind=None)
    .host("*.wild.test")
    .path("/", to="wild:80")
    .host("exact.wild.test")
    .path("/only", to="exact-host:80")
    .host("*.some.test")
    .path("/only", to="wild:80")
    .host("*.nest.some.test")
    .path("/nest", to="items:80")
    .host("")
    .path("/any", to="any:80")
    .of_class(PLAIN),
    ingress("closed", host="closed.test")
    .path("/admin", to="all:80")
    .host("*.closed.test")
    .path("/", to="all:80")
    .annotate({"nginx.ingress.kubernetes.io/enable-modsecurity": "true"})
    .of_class(PLAIN),
    ingress("open", host="closed.test").path("/", to="all:80").of_class(PLAIN),
    ingress("spare")
    .default("spare:80")
    .created("2026-01-01T00:00:00Z")  # the oldest serves where more than one could
    .of_class(FALLBACK),
    ingress("own-rest", host="own.test")
    .path("/cart", to="cart:80")
    .default("rest:80")
    .created("2026-02-01T00:00:00Z")
    .of_class(FALLBACK),
    ingress("without-rest", host="other.test").path("/cart", to="cart:80").of_class(FALLBACK),
    ingress("root", host="root.test").path("/", to="all:80").default("rest:80").of_class(FALLBACK),
    ingress("any", host="").path("/any", to="any:80").of_class(FALLBACK),
    ingress("wild", host="*.wild.test")
    .path("/cart", to="wild:80")
    .default("rest:80")
    .of_class(FALLBACK),
    long_host("long-wild", "*.long.test").default("rest:80").of_class(FALLBACK),
    ingress("bare", host="bare.wild.test").default("exact-host:80").of_class(FALLBACK),
    ingress("nothing", host="nothing.wild.test").of_class(FALLBACK),
    ingress("broken", host="broken.wild.test")
    .path("/a/../b", to="cart:80")
    .default("exact-host:80")
    .of_class(FALLBACK),
)


@dataclass(frozen=True, slots=True)
class Site:
    """The gateways that all tests of this file ask."""

    rig: Rig
    backends: dict[str, Backend]


@asynccontextmanager
async def running_site(root: Path) -> AsyncIterator[Site]:
    async with AsyncExitStack() as stack:
        names = (*SERVICES, "web-one", "web-two")
        backends = {name: await stack.enter_async_context(backend(name)) for name in names}
        served = await stack.enter_async_context(rig(root, gateway=False))
        declare(served, backends)
        yield Site(served, backends)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing[Site]]:
    with standing(running_site(tmp_path_factory.mktemp("site"))) as site:
        yield site


def ask(site: Standing[Site], question: Question, gateway: str = PLAIN) -> Answer:
    async def asking() -> Answer:
        return await ask_once(await site.value.rig.address(gateway), question)

    return site.run(asking())


def declare(rig: Rig, backends: dict[str, Backend]) -> None:
    for name in SERVICES:
        rig.expose(name, [backends[name]])
    rig.expose("no-pod", [])
    for member, web in ((ONE, backends["web-one"]), (TWO, backends["web-two"])):
        # The port name is the same, but the targetPort differs: each member's own slices count.
        host, port = web.address
        pods = slice_of("two-ports", addresses=[host], port=port, port_name="web")
        rig.declare("two-ports.yaml", service("two-ports", ports={"web": 80}), pods, to=member)
    rig.declare("rules.yaml", *RULES)


@pytest.mark.parametrize(
    ("host", "path", "expected"),
    [
        pytest.param("shop.test", "/cart", "exact-cart", id="exact-beats-prefix"),
        pytest.param("shop.test", "/cart?a=/b", "exact-cart", id="exact-without-the-query"),
        pytest.param("shop.test", "/cart/", "cart", id="exact-is-not-its-trailing-slash"),
        pytest.param("shop.test", "/cart/1", "cart", id="prefix-covers-what-is-below"),
        pytest.param("shop.test", "/cartoon", 404, id="prefix-ends-at-an-element"),
        pytest.param("shop.test", "/Cart", 404, id="paths-have-case"),
        pytest.param("shop.test", "/cart/items/1", "items", id="longer-prefix-first"),
        pytest.param("shop.test", "/cart/items", "items", id="trailing-slash-of-the-rule-ignored"),
        pytest.param("shop.test", "/cart/itemsize", "cart", id="next-element-is-another"),
        pytest.param("SHOP.Test", "/cart", "exact-cart", id="host-without-case"),
        pytest.param("shop.test:8443", "/cart", "exact-cart", id="host-without-port"),
        pytest.param("shop.test.", "/cart", "exact-cart", id="host-without-trailing-dot"),
        pytest.param("SHOP.TEST:80", "/cart/1", "cart", id="host-without-case-and-port"),
        pytest.param("shop.test", "/any", 404, id="exact-host-never-falls-through"),
        pytest.param("all.test", "/whatever", "all", id="no-path-type-is-a-prefix"),
        pytest.param("all.test", "/any", "all", id="slash-serves-everything"),
        pytest.param("a.wild.test", "/x", "wild", id="wildcard"),
        pytest.param("A.Wild.TEST:81", "/x", "wild", id="wildcard-without-case-and-port"),
        pytest.param("wild.test", "/any", "any", id="wildcard-is-not-its-domain"),
        pytest.param("wild.test", "/x", 404, id="domain-of-a-wildcard-has-no-rules"),
        pytest.param("a.b.wild.test", "/any", "any", id="wildcard-covers-one-label"),
        pytest.param("a.b.wild.test", "/x", 404, id="two-labels-have-no-rules"),
        pytest.param("exact.wild.test", "/only", "exact-host", id="exact-host-beats-wildcard"),
        pytest.param("exact.wild.test", "/x", 404, id="exact-host-never-falls-to-the-wildcard"),
        pytest.param("a.some.test", "/only", "wild", id="wildcard-with-some-paths"),
        pytest.param("a.some.test", "/any", 404, id="wildcard-never-falls-through"),
        pytest.param("nest.some.test", "/any", 404, id="one-label-above-another-wildcard"),
        pytest.param("a.nest.some.test", "/nest", "items", id="wildcard-below-a-wildcard"),
        pytest.param("a.nest.some.test", "/only", 404, id="and-never-falls-to-the-one-above"),
        pytest.param("a.b.nest.some.test", "/only", 404, id="deeper-names-are-of-no-wildcard"),
        pytest.param("a.b.nest.some.test", "/any", "any", id="deeper-names-have-no-host"),
        pytest.param("unknown.test", "/any/x", "any", id="rule-without-host"),
        pytest.param("unknown.test", "/x", 404, id="nothing-matches"),
        pytest.param("shop.test", "/nobody", 503, id="no-service"),
        pytest.param("shop.test", "/no-port", 503, id="no-such-port"),
        pytest.param("shop.test", "/no-pod", 503, id="no-ready-pod"),
        pytest.param("shop.test", "/x/../cart", "exact-cart", id="dot-segments-are-resolved"),
        pytest.param("shop.test", "//cart", 404, id="double-slashes-are-two"),
        pytest.param("shop.test", "/cart//items", "cart", id="double-slashes-below-a-prefix"),
        pytest.param("shop.test", "/cart%2Fitems", 404, id="escaped-slashes-divide-no-elements"),
        pytest.param("shop.test", "/cart/x%2fitems", "cart", id="escaped-slashes-below-a-prefix"),
        pytest.param("all.test", "/x/%2e%2e/any", "all", id="encoded-dots"),
    ],
)
def test_a_request_goes_to(site: Standing[Site], host: str, path: str, expected: str | int) -> None:
    answer = ask(site, Question(path, host))
    assert (answer.body.decode() if answer.status == 200 else answer.status) == expected


@pytest.mark.parametrize(
    ("host", "path", "expected"),
    [
        pytest.param("closed.test", "/admin", 503, id="path"),
        pytest.param("CLOSED.test:80", "/admin/x", 503, id="below-it"),
        pytest.param("a.closed.test", "/", 503, id="wildcard"),
        pytest.param("closed.test", "/other", 200, id="path-of-another-ingress"),
    ],
)
def test_a_path_that_a_firewall_should_guard_is_closed(
    site: Standing[Site], host: str, path: str, expected: int
) -> None:
    answer = ask(site, Question(path, host))
    assert answer.status == expected
    if expected == 503:
        assert answer.first_line.startswith("closed: an annotation restricts this path")


@pytest.mark.parametrize(
    ("host", "path", "expected"),
    [
        pytest.param("unknown.test", "/", "spare", id="without-rules-serves-unknown-hosts"),
        pytest.param("own.test", "/cart", "cart", id="rules-come-first"),
        pytest.param("own.test", "/else", "rest", id="with-rules-serves-what-its-host-leaves"),
        pytest.param("other.test", "/else", 404, id="other-hosts-keep-their-404"),
        pytest.param("root.test", "/else", "all", id="a-slash-rule-beats-it"),
        pytest.param("unknown.test", "/any", "any", id="rules-without-host-come-before-it"),
        pytest.param("A.Wild.test:81", "/else", "rest", id="wildcard"),
        pytest.param("a.wild.test", "/any", "rest", id="wildcard-before-rules-without-host"),
        pytest.param("a.b.wild.test", "/any", "any", id="wildcard-covers-one-label"),
        pytest.param("a.b.wild.test", "/else", "spare", id="two-labels-are-an-unknown-host"),
        pytest.param("a.long.test", "/p/1", "wild", id="long-wildcard-rules-come-first"),
        pytest.param("a.long.test", "/any", "rest", id="long-wildcard"),
        pytest.param("a.b.long.test", "/any", "any", id="long-wildcard-covers-one-label"),
        pytest.param("a.b.long.test", "/p/1", "spare", id="long-wildcard-and-an-unknown-host"),
        pytest.param("bare.wild.test", "/cart", "exact-host", id="host-without-paths"),
        pytest.param("broken.wild.test", "/cart", "exact-host", id="host-of-invalid-paths"),
        pytest.param("nothing.wild.test", "/cart", 404, id="host-without-paths-and-default"),
    ],
)
def test_a_default_backend_serves(
    site: Standing[Site], host: str, path: str, expected: str | int
) -> None:
    answer = ask(site, Question(path, host), FALLBACK)
    assert (answer.body.decode() if answer.status == 200 else answer.status) == expected


def test_a_port_name_is_looked_up_in_each_member(site: Standing[Site]) -> None:
    answers = {ask(site, Question("/port-name", "shop.test")).body for _ in range(8)}
    assert answers == {b"web-one", b"web-two"}


@pytest.mark.parametrize(
    "scope", ["mse|all.test", "mse|*", "", "mse|shop.test|x"], ids=["exact", "rest", "empty", "odd"]
)
def test_a_client_cannot_choose_a_table(site: Standing[Site], scope: str) -> None:
    question = Question("/x", "shop.test", {"x-fg-scope": scope})
    assert ask(site, question).status == 404


@pytest.mark.parametrize(
    ("gateway", "head", "expected"),
    [
        pytest.param(PLAIN, "GET /cart HTTP/1.0\r\nhost: shop.test", "exact-cart", id="host"),
        pytest.param(PLAIN, "GET /x HTTP/1.0\r\nhost: shop.test", 404, id="nothing-matches"),
        pytest.param(PLAIN, "GET /any HTTP/1.0", "any", id="rule-without-host"),
        pytest.param(PLAIN, "GET /cart HTTP/1.0", 404, id="no-host-is-no-rule's"),
        pytest.param(FALLBACK, "GET / HTTP/1.0", "spare", id="default-backend"),
        pytest.param(PLAIN, "GET /any HTTP/1.1\r\nconnection: close", 400, id="1.1-needs-a-host"),
    ],
)
def test_a_request_of_http_1_0_is_served(
    site: Standing[Site], gateway: str, head: str, expected: str | int
) -> None:
    async def exchange() -> bytes:
        reader, writer = await asyncio.open_connection(*await site.value.rig.address(gateway))
        with closing(writer):
            writer.write(f"{head}\r\n\r\n".encode())
            return await reader.read()

    answer, _, body = site.run(exchange()).decode().partition("\r\n\r\n")
    status = int(answer.split()[1])
    assert (body if status == 200 else status) == expected


def test_the_backend_does_not_see_how_its_table_was_found(site: Standing[Site]) -> None:
    for host, path, name in (
        ("shop.test", "/cart/1", "cart"),
        ("SHOP.test", "/cart/1", "cart"),
        ("a.wild.test", "/x", "wild"),
        ("unknown.test", "/any", "any"),
    ):
        ask(site, Question(path, host, {"x-fg-scope": "mse|all.test"}))
        seen = site.value.backends[name].asked[-1].headers
        assert not {"x-fg-scope", "x-envoy-retry-on"} & seen.keys()


def test_a_post_passes_with_its_body_and_query(site: Standing[Site]) -> None:
    body = b"x" * 100_000
    ask(site, Question("/cart/1?a=b%20c", "shop.test", method="POST", body=body))
    asked = site.value.backends["cart"].asked[-1]
    assert (asked.method, asked.path, asked.body) == ("POST", "/cart/1?a=b%20c", body)


def test_endpoints_that_arrive_later_repair_the_route(tmp_path: Path) -> None:
    async def scenario() -> None:
        question = Question("/", "late.test")

        async def ask() -> int:
            return (await ask_once(address, question)).status

        async with rig(tmp_path) as served, backend("late") as pod:
            rules = ingress("late", host="late.test").path("/", to="late:80").of_class("mse")
            served.declare("late.yaml", rules)
            address: Address = await served.address()
            assert await ask() == 503
            served.expose("late", [])
            await served.sync()
            assert await ask() == 503
            served.expose("late", [pod])
            await served.sync()
            assert await ask() == 200

    asyncio.run(scenario())
