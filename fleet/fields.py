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


def _fields(names: str, narrowing: str = "", **inside: Fields) -> Fields:
    known: dict[str, Fields | None] = dict.fromkeys(names.split())
    return Fields({**known, **inside}, frozenset(narrowing.split()))


_METADATA: Final = _fields(
    "annotations creationTimestamp deletionGracePeriodSeconds deletionTimestamp finalizers "
    "generateName generation labels managedFields name namespace ownerReferences resourceVersion "
    "selfLink uid"
)


def _object(names: str = "", narrowing: str = "", **inside: Fields) -> Fields:
    return _fields(f"apiVersion kind status {names}", narrowing, metadata=_METADATA, **inside)


_BACKEND: Final = _fields(
    "",
    service=_fields("name", port=_fields("name number")),
    resource=_fields("apiGroup kind name"),
)
_TARGET: Final = _fields("apiVersion fieldPath kind name namespace resourceVersion uid")

_OF_KUBERNETES: Final[Mapping[str, Fields]] = {
    "Ingress": _object(
        spec=_fields(
            "ingressClassName",
            "ingressClassName rules",
            defaultBackend=_BACKEND,
            rules=_fields(
                "host",
                "host",
                http=_fields("", paths=_fields("path pathType", "path pathType", backend=_BACKEND)),
            ),
            tls=_fields("hosts secretName", "hosts"),
        )
    ),
    "IngressClass": _object(
        spec=_fields("controller", parameters=_fields("apiGroup kind name namespace scope"))
    ),
    "Service": _object(
        spec=_fields(
            "allocateLoadBalancerNodePorts clusterIP clusterIPs externalIPs externalName "
            "externalTrafficPolicy healthCheckNodePort internalTrafficPolicy ipFamilies "
            "ipFamilyPolicy loadBalancerClass loadBalancerIP loadBalancerSourceRanges "
            "publishNotReadyAddresses selector sessionAffinity sessionAffinityConfig "
            "trafficDistribution type",
            ports=_fields("appProtocol name nodePort port protocol targetPort"),
        )
    ),
    "EndpointSlice": _object(
        "addressType",
        endpoints=_fields(
            "addresses deprecatedTopology hints hostname nodeName zone",
            conditions=_fields("ready serving terminating"),
            targetRef=_TARGET,
        ),
        ports=_fields("appProtocol name port protocol"),
    ),
    "Pod": _object("spec"),
    "Secret": _object("data immutable stringData type"),
}
"""Kinds of Kubernetes itself: a later version may have more fields, so only what is like one of
these is told."""

CUSTOM: Final[Mapping[str, Fields]] = {
    "MseIngressConfig": _object(
        "",
        "spec",
        spec=_fields(
            "id name override",
            "global ingress",
            common=_fields(
                "pay securityGroupType",
                instance=_fields("replicas spec"),
                network=_fields("privateSLBSpec publicSLBSpec vSwitches", "privateSLBSpec"),
            ),
            **{
                "global": _fields(
                    "tls",
                    "ipAccessControl",
                    ipAccessControl=_fields("blacklist whitelist", "blacklist whitelist"),
                )
            },
            monitor=_fields("logging tracing"),
            ingress=_fields(
                "",
                "local",
                local=Fields(
                    {"ingressClass": None, "watchNamespace": None},
                    frozenset({"watchNamespace"}),
                    strict=True,
                ),
            ),
        ),
    ),
    "AlbConfig": _object(
        spec=_fields(
            "",
            config=_fields(
                "accessLogConfig addressAllocatedMode addressIpVersion addressType billingConfig "
                "deletionProtectionEnabled edition forceOverride id ipv6AddressType "
                "listenerForceOverride modificationProtectionConfig name resourceGroupId "
                "securityGroupIds tags zoneMappings",
                "addressType",
            ),
            listeners=_fields(
                "caCertificates caEnabled certificates defaultActions description gzipEnabled "
                "http2Enabled idleTimeout logConfig port protocol quicConfig requestTimeout "
                "securityPolicyId xForwardedForConfig",
                "aclConfig",
                aclConfig=_fields(
                    "aclEntries aclId aclIds aclName aclRelations aclType", "aclEntries aclIds"
                ),
            ),
        )
    ),
}
"""Custom resources: these are all of their fields, with or without an effect here."""


def strangers_in(kind: str, manifest: Mapping[object, object], *, served: bool) -> list[Stranger]:
    """The fields of an object that nobody knows; `served` is whether an API server has it.

    Costs 8 µs for an Ingress of two paths that has none.
    """
    found: list[Stranger] = []
    if (fields := CUSTOM.get(kind)) is not None:
        _look(fields, manifest, (), found)
    elif not served:
        _look(_OF_KUBERNETES[kind], manifest, (), found)
        found = [stranger for stranger in found if stranger.meant]
    return found


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
