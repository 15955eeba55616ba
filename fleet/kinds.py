"""The kinds of objects that fleetgate reads, and those of the same groups that it need not."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fleet.models import (
    EndpointSlice,
    FleetObject,
    Ingress,
    IngressClass,
    MseIngressConfig,
    Pod,
    Secret,
    Service,
)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind that is read: its model, apiVersion, where it lives, whether it has a namespace."""

    model: type[FleetObject]
    api_version: str
    on_hub: bool
    namespaced: bool = True

    @property
    def name(self) -> str:
        """`kind` as manifests have it."""
        return self.model.__name__


_ALL: Final = (
    Kind(Ingress, "networking.k8s.io/v1", on_hub=True),
    Kind(IngressClass, "networking.k8s.io/v1", on_hub=True, namespaced=False),
    Kind(MseIngressConfig, "mse.alibabacloud.com/v1alpha1", on_hub=True, namespaced=False),
    Kind(Secret, "v1", on_hub=True),
    Kind(Service, "v1", on_hub=False),
    Kind(EndpointSlice, "discovery.k8s.io/v1", on_hub=False),
    Kind(Pod, "v1", on_hub=False),
)

KINDS: Final[Mapping[str, Kind]] = {kind.name: kind for kind in _ALL}

READ_GROUPS: Final[Mapping[str, frozenset[str]]] = {
    "networking.k8s.io": frozenset(
        {"Ingress", "IngressClass", "NetworkPolicy", "IPAddress", "ServiceCIDR"}
    ),
    "discovery.k8s.io": frozenset({"EndpointSlice"}),
    "mse.alibabacloud.com": frozenset({"MseIngressConfig"}),
}
"""Groups that are read, with every kind that they have: any other one is a slip of the pen."""


def group_of(api_version: str) -> str:
    """The group of an apiVersion, "" for the core group."""
    group, slash, _ = api_version.rpartition("/")
    return group if slash else ""
