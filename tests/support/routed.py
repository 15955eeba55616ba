"""Finds where a request goes, by the route tables of a translated fleet."""

from typing import Any

from tests.support.envoy_routing import Request, choose
from tests.support.host_tables import find_table
from tests.support.translation import World
from xds.readable import readable
from xds.resource import TypeUrl


def routed(world: World, host: str, path: str) -> str | int:
    """The Service that a request goes to, or the status of a direct answer."""
    name = find_table(world.names(TypeUrl.SCOPED_ROUTE), "mse", host)
    body = world.snapshots["mse/gw"][TypeUrl.SCOPED_ROUTE, name].body
    table: Any = readable(TypeUrl.SCOPED_ROUTE, body)  # JSON
    route = choose(table["route_configuration"]["virtual_hosts"][0], Request(path, host))
    assert route is not None
    if "direct_response" in route:
        status: int = route["direct_response"]["status"]
        return status
    cluster: str = route["route"]["cluster"]
    return cluster.split("/")[1]
