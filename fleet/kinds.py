"""The kinds of objects that fleetgate reads, and what is a slip of the pen beside them.

A kind that is not read is no mistake, unless it claims to be of a group that is read and is none of
that group's kinds, or has the name of a kind that is read under an apiVersion that cannot be meant.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fleet.models import (
    AlbConfig,
    EndpointSlice,
    FleetObject,
    Ingress,
    IngressClass,
    MseIngressConfig,
    Pod,
    Secret,
    Service,
)
from fleet.spelling import meant


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind that is read: its model, the apiVersion, where it lives, whether it has a namespace.

    What lives on the hub is not read in members, and the other way round. `longest` are the lists
    of an object that Kubernetes bounds, by their top-level field.
    """

    model: type[FleetObject]
    api_version: str
    on_hub: bool
    namespaced: bool = True
    longest: tuple[tuple[str, int], ...] = ()

    @property
    def name(self) -> str:
        """`kind` as manifests have it."""
        return self.model.__name__

    @property
    def plural(self) -> str:
        """The name of the resource in paths and in RBAC."""
        name = self.name.lower()
        return f"{name}es" if name.endswith("s") else f"{name}s"

    def path_in(self, namespace: str = "") -> str:
        """Where an API server has the objects of a namespace, "" for those of all."""
        root = "apis" if "/" in self.api_version else "api"
        scope = f"/namespaces/{namespace}" if namespace else ""
        return f"/{root}/{self.api_version}{scope}/{self.plural}"


_ALL: Final = (
    Kind(Ingress, "networking.k8s.io/v1", on_hub=True),
    Kind(IngressClass, "networking.k8s.io/v1", on_hub=True, namespaced=False),
    Kind(MseIngressConfig, "mse.alibabacloud.com/v1alpha1", on_hub=True, namespaced=False),
    Kind(AlbConfig, "alibabacloud.com/v1", on_hub=True, namespaced=False),
    Kind(Secret, "v1", on_hub=True),
    Kind(Service, "v1", on_hub=False),
    Kind(
        EndpointSlice,
        "discovery.k8s.io/v1",
        on_hub=False,
        longest=(("endpoints", 1000), ("ports", 100)),
    ),
    Kind(Pod, "v1", on_hub=False),
)

KINDS: Final[Mapping[str, Kind]] = {kind.name: kind for kind in _ALL}

READ_GROUPS: Final[Mapping[str, frozenset[str]]] = {
    "networking.k8s.io": frozenset(
        {"Ingress", "IngressClass", "NetworkPolicy", "IPAddress", "ServiceCIDR"}
    ),
    "discovery.k8s.io": frozenset({"EndpointSlice"}),
    "mse.alibabacloud.com": frozenset({"MseIngressConfig"}),
    "alibabacloud.com": frozenset({"AlbConfig"}),
}
"""Groups that are read, with every kind that they have."""


@dataclass(frozen=True, slots=True)
class Slip:
    """A manifest's `kind` or `apiVersion` that cannot be meant."""

    key: str
    value: str
    expected: str


def group_of(api_version: str) -> str:
    """The group of an apiVersion, "" for the core group."""
    group, slash, _ = api_version.rpartition("/")
    return group if slash else ""


def find_kind(kind: str, api_version: str, *, on_hub: bool) -> Kind | Slip | None:
    """The kind that is read there under this name; None for one that is not needed."""
    group = group_of(api_version)
    known = KINDS.get(kind)
    if known is not None and known.on_hub == on_hub:
        if known.api_version == api_version:
            return known
        if _is_kubernetes(group):
            return Slip("apiVersion", api_version, f"{known.api_version}, which has the {kind}")
    if group in READ_GROUPS and kind not in READ_GROUPS[group]:
        return Slip("kind", kind, _suggestion(kind, group))
    return None


def _is_kubernetes(group: str) -> bool:
    """Whether a kind of ours would be meant: other projects have Ingress and Service too."""
    return "." not in group or group in READ_GROUPS


def _suggestion(kind: str, group: str) -> str:
    kinds = sorted(READ_GROUPS[group])
    return meant(kind, kinds, likeness=0.6) or f"a kind of {group}: {', '.join(kinds)}"
