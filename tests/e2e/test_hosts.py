"""A request is served by the rules of its host, in every spelling of the host by clients."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from random import Random
from typing import TypeAlias

import pytest

from fleetgate.demo.http import Address, Answer, Question
from tests.e2e.backends import Backend, backend
from tests.e2e.rig import ONE, TWO, Rig, ask_once, rig
from tests.e2e.standing import Standing, standing
from tests.support.builders import IngressBuilder, ingress, mse_gateway
from tests.support.http2 import ask_http2
from tests.translators.host_rules import (
    ASKED_HOSTS,
    ASKED_PATHS,
    SERVICES,
    Declared,
    some_ingresses,
)

SETS = 3
"""Sets of random Ingresses, each on a gateway of its own."""


@dataclass(frozen=True, slots=True)
class Site:
    rig: Rig
    address: Address
    pods: dict[str, Backend]


NAMES = ("shop", "wild", "rest")


@asynccontextmanager
async def running_site(root: Path) -> AsyncIterator[Site]:
    async with AsyncExitStack() as stack:
        served = await stack.enter_async_context(rig(root))
        pods = {name: await stack.enter_async_context(backend(name)) for name in NAMES}
        for name, pod in pods.items():
            served.expose(name, [pod])
        rules = ingress("rules", host="a.test").path("/", to="shop:80")
        rules = rules.host("*.w.test").path("/", to="wild:80").host("").path("/", to="rest:80")
        served.declare("rules.yaml", rules.of_class("mse"))
        yield Site(served, await served.address(), pods)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing[Site]]:
    with standing(running_site(tmp_path_factory.mktemp("site"))) as site:
        yield site


WELL_FORMED = [
    # the host as the client writes it, whose rules it gets, the host as the backend sees it
    pytest.param("a.test", "shop", "a.test", id="plain"),
    pytest.param("a.test:22080", "shop", "a.test:22080", id="port"),
    pytest.param("a.test:80", "shop", "a.test:80", id="default-port"),
    pytest.param("A.Test", "shop", "A.Test", id="capitals"),
    pytest.param("A.TEST:81", "shop", "A.TEST:81", id="capitals-and-port"),
    pytest.param("a.test.", "shop", "a.test", id="final-dot"),
    pytest.param("a.test.:81", "shop", "a.test:81", id="final-dot-and-port"),
    pytest.param("A.test.:81", "shop", "A.test:81", id="final-dot-and-port-and-capital"),
    pytest.param("a.test..", "rest", "a.test.", id="two-final-dots"),
    pytest.param("x.w.test", "wild", "x.w.test", id="wildcard"),
    pytest.param("x.w.test:81", "wild", "x.w.test:81", id="wildcard-and-port"),
    pytest.param("X.W.test:81", "wild", "X.W.test:81", id="wildcard-and-capitals-and-port"),
    pytest.param("x.w.test.", "wild", "x.w.test", id="wildcard-and-final-dot"),
    pytest.param("x.y.w.test:81", "rest", "x.y.w.test:81", id="two-labels-under-a-wildcard"),
    pytest.param("X.Y.w.test", "rest", "X.Y.w.test", id="two-labels-and-capitals"),
    pytest.param("w.test", "rest", "w.test", id="domain-of-a-wildcard"),
    pytest.param(".w.test", "rest", ".w.test", id="empty-label-under-a-wildcard"),
    pytest.param("192.0.2.1:81", "rest", "192.0.2.1:81", id="address"),
    pytest.param("[2001:db8::1]", "rest", "[2001:db8::1]", id="ipv6-address"),
    pytest.param("[2001:db8::1]:81", "rest", "[2001:db8::1]:81", id="ipv6-address-and-port"),
    pytest.param("[::ffff:192.0.2.1]", "rest", "[::ffff:192.0.2.1]", id="mapped-address"),
    pytest.param("localhost:81", "rest", "localhost:81", id="one-label"),
]

ODD = [
    pytest.param("a.test:", "shop", "a.test:", id="empty-port"),
    pytest.param("a.test:abc", "shop", "a.test:abc", id="port-of-letters"),
    pytest.param("a.test:1:2", "shop", "a.test:1:2", id="two-ports"),
    pytest.param("x.w.test:abc", "wild", "x.w.test:abc", id="wildcard-and-port-of-letters"),
    pytest.param("x_y.w.test", "wild", "x_y.w.test", id="wildcard-and-underscore"),
    pytest.param("u@x.w.test", "rest", "u@x.w.test", id="user-and-wildcard"),
    pytest.param("u@a.test", "rest", "u@a.test", id="user"),
    pytest.param("u:p@a.test", "rest", "u:p@a.test", id="user-and-password"),
    pytest.param("*", "rest", "*", id="star"),
]
"""Envoy refuses these in some other place than the Host header."""


Ask: TypeAlias = Callable[[Address, str], Coroutine[None, None, Answer]]


async def by_host_header(address: Address, host: str) -> Answer:
    return await ask_once(address, Question("/", host))


async def by_absolute_form(address: Address, host: str) -> Answer:
    return await ask_once(address, Question(f"http://{host}/", "ignored.test"))


async def by_http2(address: Address, host: str) -> Answer:
    return await ask_http2(address, [(":authority", host)])


@pytest.mark.parametrize("ask", [by_host_header, by_absolute_form, by_http2])
@pytest.mark.parametrize(("host", "expected", "seen"), WELL_FORMED)
def test_a_host_is_found_however_it_is_written(
    site: Standing[Site], ask: Ask, host: str, expected: str, seen: str
) -> None:
    assert site.run(ask(site.value.address, host)).body.decode() == expected
    assert site.value.pods[expected].asked[-1].headers["host"] == seen


@pytest.mark.parametrize(("host", "expected", "seen"), ODD)
def test_an_odd_host_is_found_by_what_stands_before_its_colon(
    site: Standing[Site], host: str, expected: str, seen: str
) -> None:
    assert site.run(by_host_header(site.value.address, host)).body.decode() == expected
    assert site.value.pods[expected].asked[-1].headers["host"] == seen


def test_a_host_with_other_characters_is_refused(site: Standing[Site]) -> None:
    assert site.run(by_host_header(site.value.address, "mse|a.test")).status == 400


def test_a_client_cannot_choose_a_table(site: Standing[Site]) -> None:
    async def asking() -> list[str]:
        address = site.value.address
        scoped = Question("/", "x.y.w.test", {"x-fg-scope": "mse|a.test"})
        fields = [(":authority", "x.y.w.test"), ("x-fg-scope", "mse|a.test")]
        answers = [await ask_once(address, scoped), await ask_http2(address, fields)]
        return [answer.body.decode() for answer in answers]

    assert site.run(asking()) == ["rest", "rest"]


@pytest.mark.parametrize(
    ("host", "name"), [("a.test", "shop"), ("X.w.test:81", "wild"), ("nobody.example", "rest")]
)
def test_a_websocket_reaches_its_host_too(site: Standing[Site], host: str, name: str) -> None:
    headers = {"connection": "upgrade", "upgrade": "websocket", "x-request-id": "a b"}
    assert site.run(ask_once(site.value.address, Question("/", host, headers))).status == 200
    assert site.value.pods[name].asked[-1].headers["upgrade"] == "websocket"


def test_random_hosts_go_where_the_book_says(tmp_path: Path) -> None:
    random = Random(4)  # noqa: S311 (rules, no secrets)
    sets = [some_ingresses(random) for _ in range(SETS)]

    async def scenario() -> None:
        async with AsyncExitStack() as stack:
            served = await stack.enter_async_context(rig(tmp_path, gateway=False))
            for name in (f"s{n}" for n in range(SERVICES)):
                served.expose(name, [await stack.enter_async_context(backend(name))])
            for number, declared in enumerate(sets):
                name = f"g{number}"
                served.declare(
                    f"{name}.yaml",
                    mse_gateway(name, members=[ONE, TWO], ingress_class=name),
                    *(each.of_class(name) for each in named(declared, name)),
                )
            for number, declared in enumerate(sets):
                await expect(await served.address(f"g{number}"), declared)

    asyncio.run(scenario())


def named(declared: Declared, prefix: str) -> Iterator[IngressBuilder]:
    """Give the Ingresses names that no other set has."""
    for each in declared.ingresses:
        yield replace(each, name=f"{prefix}-{each.name}")


async def expect(address: Address, declared: Declared) -> None:
    for host, path in product(ASKED_HOSTS, ASKED_PATHS):
        for spelling in (host, f"{host.upper()}:81"):
            answer = await ask_once(address, Question(path, spelling))
            got = answer.body.decode() if answer.status == 200 else answer.status
            assert got == declared.serving(host, path), (spelling, path)
