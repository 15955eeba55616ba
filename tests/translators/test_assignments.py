"""Which endpoints stand in a backend's assignment, and at which priority."""

from collections.abc import Iterable
from typing import Any

import pytest

from fleet.ref import HUB
from tests.support.builders import Builder, ingress, mse_gateway, pod, service, slice_of
from tests.support.translation import World
from xds.readable import readable
from xds.resource import TypeUrl

ONE, TWO = "one", "two"

SERVICE = service("web", ports={"http": 80})
MEMBER, LABELS = "topology.istio.io/cluster {}", "version v2"


def slice_(*addresses: str, pods: Iterable[str] = (), number: int = 1) -> Builder[Any]:
    return slice_of("web", addresses=addresses, port_name="http", pods=pods, suffix=str(number))


def assigned(
    first: Iterable[Builder[Any]], second: Iterable[Builder[Any]] = (), subset: str = ""
) -> dict[int, list[str]]:
    """The addresses by priority that Envoys get for the Service, with these objects in members."""
    pin = {"mse.ingress.kubernetes.io/subset-labels": subset} if subset else {}
    rules = ingress("web", host="web.test").path("/", to="web:80").of_class("mse").annotate(pin)
    world = World()
    world.attach(HUB, ONE, TWO)
    world.put(mse_gateway(members=[ONE, TWO]).manifest, rules.manifest)
    for member, objects in ((ONE, first), (TWO, second)):
        world.put(*(each.manifest for each in objects), origin=member)
    (name,) = world.names(TypeUrl.ENDPOINT)
    body = world.snapshots["mse/gw"][TypeUrl.ENDPOINT, name].body
    shown: Any = readable(TypeUrl.ENDPOINT, body)
    found: dict[int, list[str]] = {}
    for locality in shown["endpoints"]:
        found.setdefault(locality.get("priority", 0), []).extend(
            endpoint["endpoint"]["address"]["socket_address"]["address"]
            for endpoint in locality["lb_endpoints"]
        )
    return found


@pytest.mark.parametrize("pinned", [ONE, TWO])
def test_an_address_of_both_members_stays_in_the_pinned_one(pinned: str) -> None:
    held = SERVICE, slice_("10.0.0.1")
    other = SERVICE, slice_("10.0.0.1", "10.0.0.2")
    first, second = (held, other) if pinned == ONE else (other, held)
    wanted = {0: ["10.0.0.1"], 1: ["10.0.0.2"]}
    assert assigned(first, second, MEMBER.format(pinned)) == wanted


@pytest.mark.parametrize("labelled", ["a", "b"])
def test_an_address_of_two_pods_is_in_the_subset_of_either(labelled: str) -> None:
    pods = pod(labelled, version="v2"), pod("c")
    slices = slice_("10.0.0.1", pods=["a"]), slice_("10.0.0.1", "10.0.0.2", pods="bc", number=2)
    wanted = {0: ["10.0.0.1"], 1: ["10.0.0.2"]}
    assert assigned([SERVICE, *slices, *pods], subset=LABELS) == wanted
