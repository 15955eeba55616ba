"""The gRPC services of the protocol, by the full names of their methods."""

from types import MappingProxyType
from typing import Final

from xds.resource import TypeUrl
from xds.variants import DELTA, SOTW, Variant

_SERVICES: Final = MappingProxyType(
    {
        "envoy.service.cluster.v3.ClusterDiscoveryService": ("Clusters", TypeUrl.CLUSTER),
        "envoy.service.endpoint.v3.EndpointDiscoveryService": ("Endpoints", TypeUrl.ENDPOINT),
        "envoy.service.listener.v3.ListenerDiscoveryService": ("Listeners", TypeUrl.LISTENER),
        "envoy.service.route.v3.RouteDiscoveryService": ("Routes", TypeUrl.ROUTE),
        "envoy.service.route.v3.ScopedRoutesDiscoveryService": (
            "ScopedRoutes",
            TypeUrl.SCOPED_ROUTE,
        ),
        "envoy.service.secret.v3.SecretDiscoveryService": ("Secrets", TypeUrl.SECRET),
    }
)
_ADS: Final = "envoy.service.discovery.v3.AggregatedDiscoveryService"


def methods() -> dict[str, tuple[Variant, TypeUrl | None]]:
    """All methods by full name: their variant, and their one type if they serve just one."""
    found: dict[str, tuple[Variant, TypeUrl | None]] = {
        f"/{_ADS}/StreamAggregatedResources": (SOTW, None),
        f"/{_ADS}/DeltaAggregatedResources": (DELTA, None),
        # VHDS exists in the incremental protocol only.
        "/envoy.service.route.v3.VirtualHostDiscoveryService/DeltaVirtualHosts": (
            DELTA,
            TypeUrl.VIRTUAL_HOST,
        ),
    }
    for service, (noun, type_url) in _SERVICES.items():
        found[f"/{service}/Stream{noun}"] = (SOTW, type_url)
        found[f"/{service}/Delta{noun}"] = (DELTA, type_url)
    return found
