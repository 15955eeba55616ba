"""Assignments: the endpoints of a backend, and their priorities."""

from collections.abc import Iterable, Mapping
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
    """Return the addresses of the Service by priority, with these objects in the members.

    An address has its health status behind it, unless that is the default.
    """
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
    for locality in shown.get("endpoints", ()):
        found.setdefault(locality.get("priority", 0), []).extend(
            _shown(endpoint) for endpoint in locality["lb_endpoints"]
        )
    return found


def _shown(endpoint: Mapping[str, Any]) -> str:  # a message as Envoy's tools show it
    address = endpoint["endpoint"]["address"]["socket_address"]["address"]
    return f"{address} {endpoint.get('health_status', '')}".strip()


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


V4, V6 = "10.0.0.1", "fd00::1"


@pytest.mark.parametrize(
    ("families", "address"),
    [
        pytest.param(["IPv4", "IPv6"], V4, id="ipv4-first"),
        pytest.param(["IPv6", "IPv4"], V6, id="ipv6-first"),
        pytest.param([], V4, id="none-named"),
    ],
)
def test_a_pod_of_both_families_counts_once_by_the_primary_one(
    families: list[str], address: str
) -> None:
    dual = SERVICE.with_spec(ipFamilies=families)
    slices = slice_(V4, pods=["a"]), slice_(V6, pods=["a"], number=2)
    assert assigned([dual, *slices], [SERVICE, slice_("10.2.0.1", pods=["b"])]) == {
        0: [address, "10.2.0.1"]
    }


def test_each_member_has_a_primary_family_of_its_own() -> None:
    first, second = (SERVICE.with_spec(ipFamilies=[each]) for each in ("IPv6", "IPv4"))
    slices = slice_(V4, pods=["a"]), slice_(V6, pods=["a"], number=2)
    others = slice_("10.2.0.1", pods=["a"]), slice_("fd02::1", pods=["a"], number=2)
    assert assigned([first, *slices], [second, *others]) == {0: [V6, "10.2.0.1"]}


def test_a_pod_that_is_ready_in_the_other_family_alone_is_used_there() -> None:
    unready = slice_of("web", addresses=["10.0.0.2"], unready=[V4], port_name="http", pods="ba")
    slices = unready, slice_(V6, "fd00::2", pods="ab", number=2)
    assert assigned([SERVICE, *slices]) == {0: ["10.0.0.2", V6]}


def test_addresses_without_a_pod_count_each() -> None:
    assert assigned([SERVICE, slice_(V4), slice_(V6, number=2)]) == {0: [V4, V6]}


def test_addresses_of_a_pod_in_one_family_count_each() -> None:
    slices = slice_(V4, pods=["a"]), slice_("10.0.0.2", pods=["a"], number=2)
    assert assigned([SERVICE, *slices]) == {0: [V4, "10.0.0.2"]}


@pytest.mark.parametrize("subset", [MEMBER.format(ONE), LABELS], ids=["member", "label"])
def test_a_pod_of_both_families_is_in_its_subset(subset: str) -> None:
    slices = slice_(V4, pods=["a"]), slice_(V6, pods=["a"], number=2)
    first = SERVICE.with_spec(ipFamilies=["IPv6", "IPv4"]), *slices, pod("a", version="v2")
    wanted = {0: [V6], 1: ["10.2.0.1"]}
    assert assigned(first, [SERVICE, slice_("10.2.0.1", pods=["a"])], subset) == wanted


ENDING = "10.0.0.9"


def ending(number: int = 2, *, ready: Iterable[str] = ()) -> Builder[Any]:
    return slice_of(
        "web", addresses=ready, terminating=[ENDING], port_name="http", suffix=str(number)
    )


@pytest.mark.parametrize(
    ("first", "second", "subset", "wanted"),
    [
        pytest.param([ending()], [], "", {0: [f"{ENDING} DEGRADED"]}, id="nobody-else"),
        pytest.param([ending(ready=["10.0.0.1"])], [], "", {0: ["10.0.0.1"]}, id="same-slice"),
        pytest.param([ending(), slice_("10.0.0.1")], [], "", {0: ["10.0.0.1"]}, id="other-slice"),
        pytest.param([ending()], [slice_("10.2.0.1")], "", {0: ["10.2.0.1"]}, id="other-member"),
        pytest.param(
            [ending()], [slice_("10.2.0.1")], MEMBER.format(ONE), {1: ["10.2.0.1"]}, id="standby"
        ),
        pytest.param(
            [ending()], [], MEMBER.format(ONE), {0: [f"{ENDING} DEGRADED"]}, id="in-the-subset"
        ),
        pytest.param(
            [ending()], [], MEMBER.format(TWO), {1: [f"{ENDING} DEGRADED"]}, id="beside-the-subset"
        ),
    ],
)
def test_pods_that_end_serve_while_nobody_is_ready(
    first: Iterable[Builder[Any]],
    second: Iterable[Builder[Any]],
    subset: str,
    wanted: dict[int, list[str]],
) -> None:
    assert assigned([SERVICE, *first], [SERVICE, *second], subset) == wanted
