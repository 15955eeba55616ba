"""The fields that objects have, so that one which nobody knows is told.

A misspelt field has no effect by itself, but what it was to narrow may be wide open without it: a
gateway without `watchNamespace` takes the Ingresses of all namespaces, a rule without `host` every
host. So what it belongs to does not count until it is mended.

An API server prunes or refuses unknown fields of its own kinds. Those of custom resources are kept,
since the schema is loose, and nobody looks at a directory of manifests but this.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from fleet.expectation import Location
from fleet.spelling import meant


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of a mapping, or of each mapping in a list; None for what is not looked into.

    Without a `narrowing` one, what the mapping stands for is wider. In a `strict` mapping any
    unknown field might be one of those.
    """

    known: Mapping[str, "Fields | None"]
    narrowing: frozenset[str] = field(default_factory=frozenset)
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Stranger:
    """A field that nobody knows.

    `meant` is what it probably is, "" if nothing is like it; `beside` are the fields that there
    are. It `widens` if what it stands in might be wider than was wanted.
    """

    location: Location
    value: object
    meant: str
    beside: tuple[str, ...]
    widens: bool


def fields_of(names: str, narrowing: str = "", **inside: Fields) -> Fields:
    """The fields of a mapping by their names, with blanks between, and those looked into."""
    known: dict[str, Fields | None] = dict.fromkeys(names.split())
    return Fields({**known, **inside}, frozenset(narrowing.split()))


_METADATA: Final = fields_of(
    "annotations creationTimestamp deletionGracePeriodSeconds deletionTimestamp finalizers "
    "generateName generation labels managedFields name namespace ownerReferences resourceVersion "
    "selfLink uid"
)


def object_of(names: str = "", narrowing: str = "", **inside: Fields) -> Fields:
    """The fields of an object, beside those that all objects have."""
    return fields_of(f"apiVersion kind status {names}", narrowing, metadata=_METADATA, **inside)


_BACKEND: Final = fields_of(
    "",
    service=fields_of("name", port=fields_of("name number")),
    resource=fields_of("apiGroup kind name"),
)
_TARGET: Final = fields_of("apiVersion fieldPath kind name namespace resourceVersion uid")

OF_KUBERNETES: Final[Mapping[str, Fields]] = {
    "Ingress": object_of(
        spec=fields_of(
            "ingressClassName",
            "ingressClassName rules",
            defaultBackend=_BACKEND,
            rules=fields_of(
                "host",
                "host",
                http=fields_of(
                    "", paths=fields_of("path pathType", "path pathType", backend=_BACKEND)
                ),
            ),
            tls=fields_of("hosts secretName", "hosts"),
        )
    ),
    "IngressClass": object_of(
        spec=fields_of("controller", parameters=fields_of("apiGroup kind name namespace scope"))
    ),
    "Service": object_of(
        spec=fields_of(
            "allocateLoadBalancerNodePorts clusterIP clusterIPs externalIPs externalName "
            "externalTrafficPolicy healthCheckNodePort internalTrafficPolicy ipFamilies "
            "ipFamilyPolicy loadBalancerClass loadBalancerIP loadBalancerSourceRanges "
            "publishNotReadyAddresses selector sessionAffinity sessionAffinityConfig "
            "trafficDistribution type",
            ports=fields_of("appProtocol name nodePort port protocol targetPort"),
        )
    ),
    "EndpointSlice": object_of(
        "addressType",
        endpoints=fields_of(
            "addresses deprecatedTopology hints hostname nodeName zone",
            conditions=fields_of("ready serving terminating"),
            targetRef=_TARGET,
        ),
        ports=fields_of("appProtocol name port protocol"),
    ),
    "Pod": object_of("spec"),
    "Secret": object_of("data immutable stringData type"),
}
"""Kinds of Kubernetes itself: a later version may have more fields, so only what is like one of
these is told."""


def strangers_in(
    fields: Fields, manifest: Mapping[object, object], *, complete: bool
) -> list[Stranger]:
    """The fields of an object that nobody knows.

    Where the known fields are not `complete`, only those are told that are like a known one. Costs
    8 µs for an Ingress of two paths that has none.
    """
    found: list[Stranger] = []
    _look(fields, manifest, (), found)
    return found if complete else [stranger for stranger in found if stranger.meant]


def _look(fields: Fields, value: object, at: Location, found: list[Stranger]) -> None:
    if isinstance(value, Mapping):
        known = fields.known
        for name, content in value.items():
            if name not in known:
                if content is not None:  # Kubernetes takes a null for an absent field
                    found.append(_stranger(fields, value, str(name), (*at, str(name))))
            elif (inside := known[name]) is not None:
                _look(inside, content, (*at, name), found)
    elif isinstance(value, list | tuple):
        for i, item in enumerate(value):
            _look(fields, item, (*at, i), found)


def _stranger(
    fields: Fields, holder: Mapping[object, object], name: str, location: Location
) -> Stranger:
    beside = tuple(sorted(fields.known))
    probably = meant(name, beside)
    missing = {each for each in fields.narrowing if holder.get(each) in (None, "")}
    widens = bool(missing) and (
        probably in missing or (fields.strict and (not probably or probably in holder))
    )
    return Stranger(location, holder[name], probably, beside, widens)
