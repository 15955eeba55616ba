"""The kinds of objects that fleetgate reads, and what is a slip of the pen beside them.

Those of Kubernetes are here. The kinds that declare gateways come from whoever reads a fleet: each
dialect of translation brings its own.

A kind that is not read is no mistake, unless it claims to be of a group that is read and is none of
that group's kinds, or has the name of a kind that is read under an apiVersion that cannot be meant.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from fleet.fields import OF_KUBERNETES, Fields
from fleet.models import (
    EndpointSlice,
    FleetObject,
    GatewayObject,
    Ingress,
    IngressClass,
    Pod,
    Secret,
    Service,
)
from fleet.ref import HUB, Ref
from fleet.spelling import meant


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind that is read: its model, the apiVersion, where it lives, whether it has a namespace.

    What lives on the hub is not read in members, and the other way round. `fields` are those that
    its manifests may have; where they are `complete`, any other one is a mistake. `longest` are the
    lists of an object that Kubernetes bounds, by their top-level field. Of a kind that declares
    gateways, `attaches` is the annotation that lists the members. `has_status` says that fleetgate
    writes the status.
    """

    model: type[FleetObject]
    api_version: str
    fields: Fields = field(hash=False, repr=False)
    on_hub: bool
    complete: bool = False
    namespaced: bool = True
    longest: tuple[tuple[str, int], ...] = ()
    attaches: str = ""
    has_status: bool = False

    @property
    def name(self) -> str:
        """`kind` as manifests have it."""
        return self.model.__name__

    @property
    def group(self) -> str:
        """The API group, "" for the core group."""
        return group_of(self.api_version)

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

    def path_of(self, ref: Ref) -> str:
        """Where an API server has an object of this kind."""
        return f"{self.path_in(ref.namespace)}/{ref.name}"


INGRESS: Final = Kind(
    Ingress, "networking.k8s.io/v1", OF_KUBERNETES["Ingress"], on_hub=True, has_status=True
)
INGRESS_CLASS: Final = Kind(
    IngressClass,
    "networking.k8s.io/v1",
    OF_KUBERNETES["IngressClass"],
    on_hub=True,
    namespaced=False,
)
SECRET: Final = Kind(Secret, "v1", OF_KUBERNETES["Secret"], on_hub=True)
SERVICE: Final = Kind(Service, "v1", OF_KUBERNETES["Service"], on_hub=False)
ENDPOINT_SLICE: Final = Kind(
    EndpointSlice,
    "discovery.k8s.io/v1",
    OF_KUBERNETES["EndpointSlice"],
    on_hub=False,
    longest=(("endpoints", 1000), ("ports", 100)),
)
POD: Final = Kind(Pod, "v1", OF_KUBERNETES["Pod"], on_hub=False)

KUBERNETES: Final = (INGRESS, INGRESS_CLASS, SECRET, SERVICE, ENDPOINT_SLICE, POD)

_NOT_READ: Final[Mapping[str, frozenset[str]]] = {
    "networking.k8s.io": frozenset({"NetworkPolicy", "IPAddress", "ServiceCIDR"}),
}
"""The other kinds of groups that are read."""


@dataclass(frozen=True, slots=True)
class Slip:
    """A manifest's `kind` or `apiVersion` that cannot be meant."""

    key: str
    value: str
    expected: str


class Kinds(Mapping[str, Kind]):
    """The kinds of a fleet, by their names."""

    def __init__(self, gateways: Iterable[Kind] = ()) -> None:
        found = (*KUBERNETES, *gateways)
        self._kinds = {kind.name: kind for kind in found}
        groups: defaultdict[str, set[str]] = defaultdict(set)
        for kind in found:
            if kind.group:
                groups[kind.group] |= {kind.name, *_NOT_READ.get(kind.group, ())}
        self._groups = {group: sorted(kinds) for group, kinds in groups.items()}

    def __getitem__(self, name: str) -> Kind:
        """The kind of this name; KeyError where it is not read."""
        return self._kinds[name]

    def __iter__(self) -> Iterator[str]:
        """The names."""
        return iter(self._kinds)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._kinds)

    def find(self, kind: str, api_version: str, *, on_hub: bool) -> Kind | Slip | None:
        """The kind that is read there under this name; None for one that is not needed."""
        group = group_of(api_version)
        known = self._kinds.get(kind)
        if known is not None and known.on_hub == on_hub:
            if known.api_version == api_version:
                return known
            if self._is_kubernetes(group):
                return Slip("apiVersion", api_version, f"{known.api_version}, which has the {kind}")
        if group in self._groups and kind not in self._groups[group]:
            return Slip("kind", kind, self._suggestion(kind, group))
        return None

    def of_hub(self, ref: Ref) -> Kind | None:
        """The kind of an object of the hub; None for members' objects, and for what is not read."""
        return self._kinds.get(ref.kind) if ref.origin == HUB else None

    def declares_gateway(self, ref: Ref) -> bool:
        """Whether an object of this name declares a gateway."""
        kind = self._kinds.get(ref.kind)
        return kind is not None and bool(kind.attaches)

    def attached(self, value: FleetObject) -> tuple[str, ...]:
        """The IDs of the members that a gateway's object attaches, in the order of its list.

        They are listed whether the fleet has them or not; what declares no gateway attaches none.
        """
        if not isinstance(value, GatewayObject):
            return ()
        key = self._kinds[type(value).__name__].attaches
        return listed(value.metadata.annotations.get(key, ""))

    def _is_kubernetes(self, group: str) -> bool:
        """Whether a kind of ours would be meant: other projects have Ingress and Service too."""
        return "." not in group or group in self._groups

    def _suggestion(self, kind: str, group: str) -> str:
        kinds = self._groups[group]
        return meant(kind, kinds, likeness=0.6) or f"a kind of {group}: {', '.join(kinds)}"


def group_of(api_version: str) -> str:
    """The group of an apiVersion, "" for the core group."""
    group, slash, _ = api_version.rpartition("/")
    return group if slash else ""


def listed(text: str) -> tuple[str, ...]:
    """The items of a list with commas: trimmed, each once, none empty."""
    return tuple(dict.fromkeys(item for part in text.split(",") if (item := part.strip())))
