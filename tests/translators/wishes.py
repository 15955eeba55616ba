"""What the annotations of an MSE Ingress ask for, and what becomes of it in Envoy's messages."""

from collections.abc import Mapping
from typing import Any

from fleet.ref import HUB, Ref
from tests.support.builders import Builder, ingress, mse_gateway, service, slice_of
from tests.support.translation import World
from translators.dialects.mse.features import read_features
from translators.model.policy import Policy
from xds.readable import readable
from xds.resource import TypeUrl

AT = Ref(HUB, "Ingress", "default", "shop")

NO_NUMBERS = (
    "\x00",
    "1\n2",
    "%REQ(x)%",
    "9" * 5000,
    "\u0661",
    "1e3",
    "0x10",
    "1s",
    "1 s",
    "-1",
    "1.5",
)
"""Texts that are no number of anything."""

Json = Any  # resources as Envoy's own tools show them


def wishes(annotations: Mapping[str, str]) -> tuple[Policy, ...]:
    """Return the policies that annotations ask for."""
    wanted, _ = read_features(AT, annotations)
    return tuple(declared.policy for declared in wanted.policies)


def told(annotations: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the reason and the key of each problem that annotations have."""
    _, problems = read_features(AT, annotations)
    return [(problem.reason, problem.key) for problem in problems]


def serving(annotations: Mapping[str, object], *others: Builder[Any]) -> World:
    """Serve the Ingress `shop` with these annotations for shop.test, and its Service."""
    made = World()
    made.attach(HUB, "c1")
    shop = ingress("shop", host="shop.test").path("/", to="shop:80").annotate(annotations)
    made.put(
        service("shop").manifest, slice_of("shop", addresses=["10.0.0.1"]).manifest, origin="c1"
    )
    made.put(mse_gateway("gw", members=["c1"]).manifest, shop.of_class("mse").manifest)
    made.put(*(other.manifest for other in others))
    return made


def host_of(world: World, host: str = "shop.test") -> Json:
    """Show the VirtualHost of a host."""
    resource = world.snapshots["mse/gw"][TypeUrl.SCOPED_ROUTE, f"mse|{host}"]
    table: Json = readable(TypeUrl.SCOPED_ROUTE, resource.body)
    return table["route_configuration"]["virtual_hosts"][0]


def route_of(world: World, host: str = "shop.test") -> Json:
    """Show the first Route of a host."""
    return host_of(world, host)["routes"][0]


def cluster_of(world: World, name: str = "default/shop/80") -> Json:
    """Show a Cluster."""
    return readable(TypeUrl.CLUSTER, world.snapshots["mse/gw"][TypeUrl.CLUSTER, name].body)
