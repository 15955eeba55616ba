"""Requests in bytes, for tests that speak to a stream or a server without a dialogue."""

from envoy_data_plane.envoy.service.discovery import v3 as discovery


def delta(**fields: object) -> bytes:
    """A request of the delta variant."""
    return bytes(discovery.DeltaDiscoveryRequest(**fields))  # type: ignore[arg-type]


def sotw(**fields: object) -> bytes:
    """A request of the state-of-the-world variant, with the names as delta has them."""
    names = fields.pop("resource_names_subscribe", [])
    return bytes(discovery.DiscoveryRequest(resource_names=names, **fields))  # type: ignore[arg-type]
