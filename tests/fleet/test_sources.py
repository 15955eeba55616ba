"""The promises that every source keeps."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from fleet.models import Ingress, Secret, Service
from fleet.ref import HUB
from tests.fleet.rigs import LENIENT, RIGS, Listener, Rig, listening
from tests.support.builders import Builder, ingress, mse_gateway, secret, service
from translators.dialects.mse.objects import MseIngressConfig

M = TypeVar("M", Ingress, MseIngressConfig, Secret)

SHOP = ingress("shop", host="example.com").path("/", to="shop:80")
CART = service("cart", ports={"http": 80})
CERTIFICATE = secret("cert", {"tls.crt": "YQ==", "tls.key": "YQ=="})


@pytest.fixture(params=RIGS)
def rig(request: pytest.FixtureRequest) -> Rig:
    return RIGS[str(request.param)](request)


@pytest.fixture(params=LENIENT)
def lenient_rig(request: pytest.FixtureRequest) -> Rig:
    return LENIENT[str(request.param)](request)


def play(rig: Rig, script: Callable[[Listener], Awaitable[None]]) -> None:
    async def run() -> None:
        async with listening(rig.source, rig.scenery) as listener:
            await script(listener)

    asyncio.run(run())


def declared(listener: Listener, thing: Builder[M]) -> M:
    """The object as the source read it, without the fields that an API server adds."""
    value = listener.state.table(thing.kind)[thing.ref()]
    added: dict[str, object] = {"creation_timestamp": None, "uid": "", "generation": 0}
    known = {name: added[name] for name in added.keys() & type(value.metadata).model_fields.keys()}
    return value.model_copy(update={"metadata": value.metadata.model_copy(update=known)})


def test_first_everything_is_said_then_that_it_is_listed(rig: Rig) -> None:
    rig.put(SHOP, mse_gateway())
    rig.put(CART, origin="one")

    async def script(listener: Listener) -> None:
        news = await listener.news()
        assert sorted(news) == [
            "listed hub",
            "listed one",
            "upserted Ingress default/shop",
            "upserted MseIngressConfig gw",
            "upserted Service default/cart in one",
        ]
        assert news.index("listed hub") > news.index("upserted Ingress default/shop")
        assert news.index("listed one") > news.index("upserted Service default/cart in one")

    play(rig, script)


def test_an_empty_fleet_is_listed_too(rig: Rig) -> None:
    async def script(listener: Listener) -> None:
        assert sorted(await listener.news()) == ["listed hub", "listed one"]

    play(rig, script)


def test_a_change_is_said_without_asking(rig: Rig) -> None:
    async def script(listener: Listener) -> None:
        await listener.news()
        rig.put(SHOP)
        await listener.until(lambda: SHOP.ref() in listener.state.table(Ingress))
        rig.remove(SHOP)
        await listener.until(lambda: SHOP.ref() not in listener.state.table(Ingress))

    play(rig, script)


def test_values_are_as_declared(rig: Rig) -> None:
    rig.put(SHOP)

    async def script(listener: Listener) -> None:
        await listener.news()
        assert declared(listener, SHOP) == SHOP.model()

    play(rig, script)


def test_objects_are_as_old_as_declared(lenient_rig: Rig) -> None:
    lenient_rig.put(SHOP.created("2026-01-31T12:00:00Z"))

    async def script(listener: Listener) -> None:
        await listener.news()
        expected = SHOP.created("2026-01-31T12:00:00Z").model()
        assert listener.state.table(Ingress) == {SHOP.ref(): expected}

    play(lenient_rig, script)


def test_a_change_is_said_once(rig: Rig) -> None:
    rig.put(SHOP)

    async def script(listener: Listener) -> None:
        await listener.news()
        rig.put(SHOP.of_class("mse"))
        assert await listener.news() == ["upserted Ingress default/shop"]
        assert await listener.news() == []

    play(rig, script)


def test_an_equal_object_is_not_said_again(rig: Rig) -> None:
    rig.put(SHOP)

    async def script(listener: Listener) -> None:
        await listener.news()
        rig.put(SHOP)
        assert await listener.news() == []
        rig.put(SHOP.with_spec(status="unread fields do not count"))
        assert await listener.news() == []

    play(rig, script)


def test_a_removed_object_is_deleted(rig: Rig) -> None:
    rig.put(SHOP, ingress("other").default("shop:80"))

    async def script(listener: Listener) -> None:
        await listener.news()
        rig.remove(SHOP)
        assert await listener.news() == ["deleted Ingress default/shop"]

    play(rig, script)


def test_a_refused_object_keeps_its_last_good_version(rig: Rig) -> None:
    gateway = mse_gateway()
    rig.put(gateway)

    async def script(listener: Listener) -> None:
        await listener.news()
        misspelt = {"ingressClass": "mse", "watchnamespace": "a"}
        rig.put(gateway.with_spec(ingress={"local": misspelt}))
        assert await listener.news() == ["refused MseIngressConfig gw: UnknownField"]
        assert declared(listener, gateway) == gateway.model()
        rig.put(gateway)
        assert await listener.news() == ["upserted MseIngressConfig gw"]
        assert not listener.problems

    play(rig, script)


def test_a_bad_part_is_left_out_with_a_problem(lenient_rig: Rig) -> None:
    lenient_rig.put(SHOP.annotate({"list": ["no", "text"], "kept": "yes"}))

    async def script(listener: Listener) -> None:
        assert "upserted Ingress default/shop: InvalidAnnotation" in await listener.news()
        metadata = listener.state.table(Ingress)[SHOP.ref()].metadata
        assert (metadata.annotations, metadata.unread) == ({"kept": "yes"}, ("list",))

    play(lenient_rig, script)


def test_a_member_that_is_lost_keeps_what_it_held(rig: Rig) -> None:
    rig.put(CART, origin="one")

    async def script(listener: Listener) -> None:
        await listener.news()
        rig.lose("one")
        assert await listener.news() == ["unreachable one"]
        assert CART.ref("one") in listener.state.table(Service)
        assert not listener.state.origins["one"].reachable
        assert listener.state.origins["one"].message

    play(rig, script)


def test_a_member_that_is_back_says_what_differs(rig: Rig) -> None:
    rig.put(CART, service("gone"), origin="one")

    async def script(listener: Listener) -> None:
        await listener.news()
        rig.lose("one")
        rig.remove(service("gone"), origin="one")
        rig.put(service("new"), origin="one")
        assert await listener.news() == ["unreachable one"]
        rig.find("one")
        assert await listener.news() == [
            "deleted Service default/gone in one",
            "upserted Service default/new in one",
            "listed one",
        ]
        assert listener.state.origins["one"].reachable

    play(rig, script)


def test_a_new_member_is_listed_with_what_it_holds(rig: Rig) -> None:
    async def script(listener: Listener) -> None:
        await listener.news()
        rig.find("two")
        rig.put(CART, origin="two")
        assert sorted(await listener.news()) == [
            "listed two",
            "upserted Service default/cart in two",
        ]

    play(rig, script)


def test_the_same_name_in_two_members_is_two_objects(rig: Rig) -> None:
    rig.find("two")
    rig.put(CART, origin="one")
    rig.put(service("cart", ports={"http": 8080}), origin="two")

    async def script(listener: Listener) -> None:
        await listener.news()
        ports = {
            ref.origin: value.spec.ports[0].port
            for ref, value in listener.state.table(Service).items()
            if ref.name == "cart"
        }
        assert ports == {"one": 80, "two": 8080}

    play(rig, script)


def test_kinds_are_read_only_where_they_live(rig: Rig) -> None:
    rig.put(CART, origin=HUB)
    rig.put(SHOP, CERTIFICATE, origin="one")

    async def script(listener: Listener) -> None:
        assert sorted(await listener.news()) == ["listed hub", "listed one"]

    play(rig, script)


def test_refresh_has_seen_what_was_declared_before_it(rig: Rig) -> None:
    async def script(listener: Listener) -> None:
        await listener.news()
        for weight in range(30):
            rig.put(SHOP.annotate({"weight": f"{weight:02}"}))
            await listener.news()
            annotations = listener.state.table(Ingress)[SHOP.ref()].metadata.annotations
            assert annotations == {"weight": f"{weight:02}"}

    play(rig, script)


def test_refresh_before_the_source_runs_waits_for_it(rig: Rig) -> None:
    rig.put(SHOP)

    async def run() -> None:
        refreshed = asyncio.create_task(asyncio.wait_for(rig.source.refresh(), 20))
        await asyncio.sleep(0)
        async with listening(rig.source) as listener:
            await refreshed
            assert SHOP.ref() in listener.state.table(Ingress)

    asyncio.run(run())


def test_a_refresh_that_is_given_up_loses_nothing(rig: Rig) -> None:
    async def script(listener: Listener) -> None:
        await listener.news()
        rig.put(SHOP)
        impatient = asyncio.create_task(rig.source.refresh())
        await asyncio.sleep(0)
        impatient.cancel()
        await asyncio.wait([impatient])
        assert await listener.news() == ["upserted Ingress default/shop"]

    play(rig, script)


def test_only_secrets_that_an_ingress_references_are_said(rig: Rig) -> None:
    rig.put(CERTIFICATE, secret("other", {"tls.crt": "Yg==", "tls.key": "Yg=="}))

    async def script(listener: Listener) -> None:
        assert sorted(await listener.news()) == ["listed hub", "listed one"]
        rig.put(SHOP.tls("cert", "example.com"))
        assert await listener.news() == [
            "upserted Ingress default/shop",
            "upserted Secret default/cert",
        ]
        assert declared(listener, CERTIFICATE) == CERTIFICATE.model()
        rig.put(SHOP)
        assert await listener.news() == [
            "upserted Ingress default/shop",
            "deleted Secret default/cert",
        ]

    play(rig, script)


def test_a_referenced_secret_that_changes_is_said(rig: Rig) -> None:
    rig.put(SHOP.tls("cert", "example.com"))

    async def script(listener: Listener) -> None:
        await listener.news()
        rig.put(CERTIFICATE)
        assert await listener.news() == ["upserted Secret default/cert"]
        rig.put(secret("cert", {"tls.crt": "Yg==", "tls.key": "Yg=="}))
        assert await listener.news() == ["upserted Secret default/cert"]
        rig.remove(CERTIFICATE)
        assert await listener.news() == ["deleted Secret default/cert"]

    play(rig, script)


def test_a_refused_ingress_keeps_its_secrets(lenient_rig: Rig) -> None:
    lenient_rig.put(SHOP.tls("cert", "example.com"), CERTIFICATE)

    async def script(listener: Listener) -> None:
        await listener.news()
        lenient_rig.put(SHOP.with_spec(rules=5))
        assert await listener.news() == ["refused Ingress default/shop: InvalidField"]
        assert CERTIFICATE.ref() in listener.state.table(Secret)

    play(lenient_rig, script)
