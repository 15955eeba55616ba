"""A certificate decides a client's gateway. Without a good one, a client gets nothing."""

import asyncio
import logging
from collections.abc import Callable

import grpc
import pytest

from fleetgate.certificates.authority import Authority
from fleetgate.certificates.credential import Credential
from fleetgate.certificates.gateway_uris import by_certificate, gateway_uri
from fleetgate.certificates.pair import Pair
from tests.certificates.served import (
    DAY,
    NOW,
    SHOP,
    Answer,
    MemoryStore,
    ask,
    authority,
    channel,
    made,
    served,
)
from xds.discovery import Node
from xds.errors import Refused

URI = "spiffe://fleetgate/gateway/mse/shop"


def answer(make: Callable[[Authority], Pair] | None, cluster: str = SHOP) -> Answer:
    """What a client gets that shows this; None shows nothing."""

    async def story() -> Answer:
        store = MemoryStore()
        certificates = await made(store)
        assert store.roots
        (own,) = store.roots.authorities
        shown = (
            channel(Credential(make(own), store.roots.bundle))
            if make
            else grpc.ssl_channel_credentials(store.roots.bundle)
        )
        async with served(certificates.shown) as xds:
            found = await ask(xds.port, shown, cluster)
            if found.code is not grpc.StatusCode.OK:
                assert xds.cache.clients() == ()
            if found.code is grpc.StatusCode.UNAVAILABLE:
                assert xds.shown == [], "it reached the stream"
            return found

    return asyncio.run(story())


def shop(own: Authority) -> Pair:
    return own.client(URI, NOW, DAY)


@pytest.mark.parametrize("cluster", [SHOP, ""], ids=["says-the-same", "says-nothing"])
def test_a_certificate_for_a_gateway_is_served_that_gateway(cluster: str) -> None:
    assert answer(shop, cluster).names == {"http"}


def test_a_node_that_names_another_gateway_is_refused_with_both_names(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        found = answer(shop, "mse/other")
    sentence = "node 'client' asks for gateway 'mse/other', but its certificate is for 'mse/shop'"
    assert found == Answer(code=grpc.StatusCode.PERMISSION_DENIED, details=sentence)
    assert sentence in caplog.text


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda own: own.server(["shop"], NOW, DAY), id="made-for-a-server"),
        pytest.param(lambda own: own.client(URI, NOW - 100 * DAY, 90 * DAY), id="expired"),
        pytest.param(lambda own: own.client(URI, NOW + DAY, DAY), id="not-yet-good"),
        pytest.param(lambda _: authority().client(URI, NOW, DAY), id="signed-by-somebody-else"),
        pytest.param(None, id="none"),
    ],
)
def test_a_wrong_certificate_never_reaches_the_stream(
    make: Callable[[Authority], Pair] | None,
) -> None:
    assert answer(make).code is grpc.StatusCode.UNAVAILABLE


def test_who_speaks_without_tls_never_reaches_the_stream() -> None:
    async def story() -> None:
        certificates = await made()
        async with served(certificates.shown) as xds:
            found = await ask(xds.port, None)
            assert found.code is grpc.StatusCode.UNAVAILABLE
            assert xds.shown == []

    asyncio.run(story())


@pytest.mark.parametrize(
    "uri",
    [
        pytest.param("spiffe://fleetgate/ns/default/sa/shop", id="another-meaning"),
        pytest.param("spiffe://elsewhere/gateway/mse/shop", id="another-trust-domain"),
        pytest.param("https://fleetgate/gateway/mse/shop", id="another-scheme"),
    ],
)
def test_a_certificate_for_something_else_gets_nothing(uri: str) -> None:
    found = answer(lambda own: own.client(uri, NOW, DAY))
    assert found.code is grpc.StatusCode.PERMISSION_DENIED
    assert found.details == (
        "the certificate of node 'client' names no gateway, or several: one URI such as "
        f"spiffe://fleetgate/gateway/mse/NAME is expected, not {uri}"
    )


@pytest.mark.parametrize(
    ("uris", "group"),
    [
        pytest.param([URI], SHOP, id="one"),
        pytest.param([URI, "https://shop.example"], SHOP, id="one-beside-others"),
        pytest.param([URI, URI.replace("shop", "other")], None, id="two"),
        pytest.param([], None, id="none"),
    ],
)
def test_exactly_one_uri_has_to_name_a_gateway(uris: list[str], group: str | None) -> None:
    auth = {"peer_uri": [uri.encode() for uri in uris]} if uris else {}
    decide = by_certificate()
    if group:
        assert decide(Node("envoy-1", SHOP), auth) == group
    else:
        with pytest.raises(Refused, match="names no gateway, or several"):
            decide(Node("envoy-1", SHOP), auth)


def test_the_trust_domain_is_a_setting() -> None:
    uri = gateway_uri(SHOP, "mesh.example")
    assert uri == "spiffe://mesh.example/gateway/mse/shop"
    assert by_certificate("mesh.example")(Node("", ""), {"peer_uri": [uri.encode()]}) == SHOP


@pytest.mark.parametrize(
    ("gateway", "domain", "sentence"),
    [
        pytest.param("shop", "fleetgate", "is no gateway's name", id="no-gateway"),
        pytest.param("mse/sh op", "fleetgate", "is no gateway's name", id="blank"),
        pytest.param("mse/..", "fleetgate", "is no gateway's name", id="dots"),
        pytest.param("mse/shop", "a/b", "is no trust domain", id="path-in-domain"),
        pytest.param("mse/shop", "", "is no trust domain", id="no-domain"),
    ],
)
def test_what_cannot_be_a_uri_is_refused(gateway: str, domain: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        gateway_uri(gateway, domain)
