"""The types of envoy-data-plane that fleetgate builds or reads, each as its class."""

from collections.abc import Iterable
from typing import Final

import betterproto2
from envoy_data_plane.envoy.service.discovery import v3 as discovery

from translators.envoy import messages
from xds.prepared import Name


def _written_by_translation() -> Iterable[type[betterproto2.Message]]:
    for constant in vars(messages).values():
        cls = getattr(constant, "__wrapped__", None)
        if isinstance(cls, Name):
            yield cls.schema


TYPES: Final[tuple[type[betterproto2.Message], ...]] = (
    *_written_by_translation(),
    discovery.DeltaDiscoveryRequest,
    discovery.DeltaDiscoveryResponse,
    discovery.DiscoveryRequest,
    discovery.DiscoveryResponse,
    discovery.Resource,
)
