"""The kinds of objects that fleetgate reads, and a test for misspelt kinds.

Kubernetes' own kinds are listed here. The caller adds the kinds that declare gateways: each dialect
of translation has its own.

A kind that is not read is no mistake, with two exceptions. Its apiVersion may be of a group that is
read although that group has no such kind. Or it may have the name of a kind that is read, under an
apiVersion of Kubernetes that does not have that kind.
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
    Node,
    Pod,
    Secret,
    Service,
)
from fleet.ref import HUB, Ref
from fleet.spelling import meant


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind that is read, and how to read it.

    A kind is read either `on_hub` or in members, never in both. `fields` are the fields that its
    manifests may have; if they are `complete`, any other field is a mistake. `longest` gives the
    most items of lists that Kubernetes bounds, by top-level field. `attaches` is the annotation in
    which a gateway lists its members, "" for a kind that declares no gateway. `has_status` is
    whether fleetgate writes the status.
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
        """The value of `kind` in manifests."""
        return self.model.__name__

    @property
    def group(self) -> str:
        """The API group, "" for the core group."""
        return group_of(self.api_version)

    @property
    def plural(self) -> str:
        """The name of the resource in the API server's paths and in RBAC."""
        name = self.name.lower()
        return f"{name}es" if name.endswith("s") else f"{name}s"

    def path_in(self, namespace: str = "") -> str:
        """The API server's path of the objects of a namespace, or of all namespaces for ""."""
        root = "apis" if "/" in self.api_version else "api"
        scope = f"/namespaces/{namespace}" if namespace else ""
        return f"/{root}/{self.api_version}{scope}/{self.plural}"

    def path_of(self, ref: Ref) -> str:
        """The API server's path of an object of this kind."""
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
NODE: Final = Kind(Node, "v1", OF_KUBERNETES["Node"], on_hub=False, namespaced=False)

KUBERNETES: Final = (INGRESS, INGRESS_CLASS, SECRET, SERVICE, ENDPOINT_SLICE, POD, NODE)

_NOT_READ: Final[Mapping[str, frozenset[str]]] = {
    "networking.k8s.io": frozenset({"NetworkPolicy", "IPAddress", "ServiceCIDR"}),
}
"""Kinds that exist in groups that are read, and that are not read themselves."""


@dataclass(frozen=True, slots=True)
class Slip:
    """A `kind` or `apiVersion` that is a mistake."""

    key: str
    value: str
    expected: str


class Kinds(Mapping[str, Kind]):
    """The kinds of a fleet, by their names."""

    def __init__(self, gateways: Iterable[Kind] = ()) -> None:
        kinds = (*KUBERNETES, *gateways)
        self._kinds = {kind.name: kind for kind in kinds}
        groups: defaultdict[str, set[str]] = defaultdict(set)
        for kind in kinds:
            if kind.group:
                groups[kind.group] |= {kind.name, *_NOT_READ.get(kind.group, ())}
        self._groups = {group: sorted(names) for group, names in groups.items()}

    def __getitem__(self, name: str) -> Kind:
        """The kind of this name. Raises KeyError if it is not read."""
        return self._kinds[name]

    def __iter__(self) -> Iterator[str]:
        """The names of the kinds."""
        return iter(self._kinds)

    def __len__(self) -> int:
        """How many kinds are read."""
        return len(self._kinds)

    def find(self, kind: str, api_version: str, *, on_hub: bool) -> Kind | Slip | None:
        """The kind that is read under this name on the hub, or in members.

        None stands for a kind that is not read, a Slip for a mistake.
        """
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
        """The kind of an object on the hub; None in members, and for a kind that is not read."""
        return self._kinds.get(ref.kind) if ref.origin == HUB else None

    def declares_gateway(self, ref: Ref) -> bool:
        """Whether an object of this kind declares a gateway."""
        kind = self._kinds.get(ref.kind)
        return kind is not None and bool(kind.attaches)

    def attached(self, value: FleetObject) -> tuple[str, ...]:
        """The IDs of the members that a gateway's object lists, in its order.

        The fleet need not have these members. An object that declares no gateway attaches none.
        """
        if not isinstance(value, GatewayObject):
            return ()
        key = self._kinds[type(value).__name__].attaches
        return listed(value.metadata.annotations.get(key, ""))

    def _is_kubernetes(self, group: str) -> bool:
        """Whether the group is Kubernetes' own: other projects have Ingress and Service too."""
        return "." not in group or group in self._groups

    def _suggestion(self, kind: str, group: str) -> str:
        kinds = self._groups[group]
        return meant(kind, kinds, likeness=0.6) or f"a kind of {group}: {', '.join(kinds)}"


def group_of(api_version: str) -> str:
    """The group of an apiVersion, "" for the core group."""
    group, slash, _ = api_version.rpartition("/")
    return group if slash else ""


def listed(text: str) -> tuple[str, ...]:
    """The items of a text with commas between them: trimmed, without empty ones or repetitions."""
    return tuple(dict.fromkeys(item for part in text.split(",") if (item := part.strip())))
