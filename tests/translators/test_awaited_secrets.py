"""A Secret that has not been read yet is not said to be missing, and nothing is open without it."""

from collections.abc import Sequence
from typing import Any

import pytest

from fleet.events import Awaited, Deleted, Event, Listed, Refused, Unreachable, Upserted
from fleet.problem import Problem
from fleet.ref import HUB, Ref
from tests.support.builders import (
    Builder,
    IngressBuilder,
    ingress,
    mse_gateway,
    secret,
    service,
    slice_of,
)
from tests.support.certificates import certificate, tls_data
from tests.support.translation import World, upserted
from tests.translators.plans import NGINX
from xds.readable import readable
from xds.resource import TypeUrl

SHOP = ingress("shop", host="shop.test").path("/", to="web:80").of_class("mse")
GATEWAY = mse_gateway("gw", members=["c1"])
SECRET = Ref(HUB, "Secret", "default", "all")
BARE = SHOP.tls("", "shop.test")
CERTIFIED = SHOP.tls("all", "shop.test")
REDIRECTED = CERTIFIED.annotate({f"{NGINX}ssl-redirect": "true"})
PASSWORDS = SHOP.annotate({f"{NGINX}auth-type": "basic", f"{NGINX}auth-secret": "all"})
CLIENTS = SHOP.annotate({f"{NGINX}auth-tls-secret": "default/all"})
BACKENDS = SHOP.annotate(
    {f"{NGINX}proxy-ssl-secret": "default/all", f"{NGINX}backend-protocol": "HTTPS"}
)
BY_DEFAULT = GATEWAY.annotate({"fleetgate.dev/default-certificate": "default/all"})
EVERYTHING = [CERTIFIED, REDIRECTED, PASSWORDS, CLIENTS, BACKENDS]

UNREAD_HUB: list[Event] = [Unreachable(HUB, "connection refused")]
"""Objects of a hub that has not been read yet are remembered, and its Secrets are not."""
AWAITED: list[Event] = [Listed(HUB), Awaited(SECRET)]
REFUSED = Refused(SECRET, (Problem(SHOP.ref(), "SecretUnreadable", "spec.tls", "all", "a Secret"),))


def world(
    events: Sequence[Event], declared: IngressBuilder, gateway: Builder[Any] = GATEWAY
) -> World:
    made = World()
    made.attach("c1")
    made.apply(events)
    made.put(service("web").manifest, slice_of("web", addresses=["10.0.0.1"]).manifest, origin="c1")
    made.put(gateway.manifest, declared.manifest)
    return made


def told(of: World) -> list[str]:
    return [problem.reason for problem in of.translator.tables.statuses.problems()]


@pytest.mark.parametrize(
    "unread", [pytest.param(UNREAD_HUB, id="hub"), pytest.param(AWAITED, id="secret")]
)
@pytest.mark.parametrize("outcome", [Deleted(SECRET), REFUSED], ids=["gone", "refused"])
@pytest.mark.parametrize(
    ("declared", "gateway", "reasons"),
    [
        pytest.param(CERTIFIED, GATEWAY, ["MissingSecret"], id="certificate"),
        pytest.param(REDIRECTED, GATEWAY, ["MissingSecret", "NoHttps"], id="redirect"),
        pytest.param(PASSWORDS, GATEWAY, ["NoPasswords"], id="passwords"),
        pytest.param(CLIENTS, GATEWAY, ["NoChain"], id="client-certificates"),
        pytest.param(BACKENDS, GATEWAY, ["SecretNotFound"], id="backends"),
        pytest.param(BARE, BY_DEFAULT, ["MissingSecret", "NoCertificate"], id="default"),
    ],
)
def test_nothing_is_said_about_a_secret_until_it_is_known_to_be_missing(
    unread: list[Event],
    outcome: Event,
    declared: IngressBuilder,
    gateway: Builder[Any],
    reasons: list[str],
) -> None:
    of = world(unread, declared, gateway)
    assert told(of) == []
    of.apply([outcome, Listed(HUB)])
    assert sorted(told(of)) == reasons


def test_a_secret_that_is_there_and_broken_is_told_at_once() -> None:
    of = world(UNREAD_HUB, CERTIFIED)
    of.put(secret("all", {"tls.crt": "eA=="}).manifest)
    assert told(of) == ["InvalidCertificate"]


def test_another_secret_that_is_awaited_hides_nothing() -> None:
    of = world((Listed(HUB), Awaited(SECRET._replace(name="other"))), CERTIFIED)
    assert told(of) == ["MissingSecret"]


def test_a_host_is_not_open_while_its_passwords_are_awaited() -> None:
    closed = world([Listed(HUB)], PASSWORDS)
    of = world(AWAITED, PASSWORDS)
    assert of.versions() == closed.versions()


def test_a_host_is_not_open_while_its_authorities_are_awaited() -> None:
    closed = world([Listed(HUB)], CLIENTS)
    of = world(AWAITED, CLIENTS)
    assert of.versions() == closed.versions()


def test_backends_are_not_trusted_while_their_authorities_are_awaited() -> None:
    closed = world([Listed(HUB)], BACKENDS)
    of = world(AWAITED, BACKENDS)
    assert of.versions() == closed.versions()


def test_a_host_is_redirected_to_https_while_its_certificate_is_awaited() -> None:
    of = world(AWAITED, REDIRECTED)

    def route() -> str:
        body = of.snapshots["mse/gw"][TypeUrl.SCOPED_ROUTE, "mse|shop.test"].body
        return str(readable(TypeUrl.SCOPED_ROUTE, body))

    assert "https_redirect" in route()
    of.apply([Deleted(SECRET)])
    assert "https_redirect" not in route()


PAIRS = {name: certificate("shop.test") for name in ("all", "new")}
NEW = SECRET._replace(name="new")


def holding(name: str) -> Upserted:
    """A Secret with a certificate, its key, and authorities of clients."""
    data = tls_data(PAIRS[name])
    return upserted(secret(name, {**data, "ca.crt": data["tls.crt"]}).manifest)


@pytest.mark.parametrize(
    ("before", "after", "type_url", "name"),
    [
        pytest.param(
            [CERTIFIED], [SHOP.tls("new", "shop.test")], TypeUrl.SECRET, "shop.test", id="host"
        ),
        pytest.param([SHOP.tls("all")], [SHOP.tls("new")], TypeUrl.SECRET, "_default", id="rest"),
        pytest.param(
            [BY_DEFAULT],
            [GATEWAY.annotate({"fleetgate.dev/default-certificate": "default/new"})],
            TypeUrl.SECRET,
            "_default",
            id="default-of-the-gateway",
        ),
        pytest.param(
            [CLIENTS],
            [SHOP.annotate({f"{NGINX}auth-tls-secret": "default/new"})],
            TypeUrl.LISTENER,
            "https-443",
            id="client-certificates",
        ),
    ],
)
@pytest.mark.parametrize("outcome", [holding("new"), Deleted(NEW)], ids=["there", "gone"])
def test_what_is_served_stays_while_the_secret_in_its_place_is_awaited(
    before: list[Builder[Any]],
    after: list[Builder[Any]],
    type_url: TypeUrl,
    name: str,
    outcome: Event,
) -> None:
    of = world([Listed(HUB), holding("all")], SHOP)
    of.put(*(each.manifest for each in before))
    served = of.snapshots["mse/gw"][type_url, name]
    of.apply([Awaited(NEW), *(upserted(each.manifest) for each in after)])
    assert of.snapshots["mse/gw"][type_url, name] == served
    of.apply([outcome])
    scratch = world([Listed(HUB), holding("all"), outcome], SHOP)
    scratch.put(*(each.manifest for each in after))
    assert of.versions() == scratch.versions()
    assert of.snapshots["mse/gw"].get((type_url, name)) != served
