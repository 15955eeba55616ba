"""Boundaries between namespaces, as a gateway's annotations declare them.

By default every namespace may use every host, and send requests to every Service, as with other
Ingress controllers. The annotations of a gateway can change this:

    fleetgate.dev/host-ownership: namespace   the namespace of the oldest Ingress that names a host,
                                              or a wildcard over it, has it to itself
    fleetgate.dev/cross-namespace: deny       requests go to Services of the Ingress's namespace
"""

from collections.abc import Mapping
from typing import Final

from fleet.problem import Problem
from fleet.ref import Ref
from translators.model.gateways import Boundaries

HOST_OWNERSHIP: Final = "fleetgate.dev/host-ownership"

SHARED: Final = "shared"

NAMESPACE: Final = "namespace"

CROSS_NAMESPACE: Final = "fleetgate.dev/cross-namespace"

ALLOW: Final = "allow"

DENY: Final = "deny"


def read_boundaries(
    ref: Ref, gateway: str, annotations: Mapping[str, str], problems: list[Problem]
) -> Boundaries:
    """Read the boundaries of the gateway of this name. An unusable value counts as strict."""

    def is_strict(key: str, loose: str, strict: str) -> bool:
        text = annotations.get(key, "").strip()
        if text not in {"", loose, strict}:
            expected, effect = f"{loose} or {strict}", f"{strict} holds"
            problems.append(Problem(ref, "InvalidAnnotation", key, text, expected, effect))
        return text not in {"", loose}

    return Boundaries(
        gateway,
        is_strict(HOST_OWNERSHIP, SHARED, NAMESPACE),
        is_strict(CROSS_NAMESPACE, ALLOW, DENY),
    )
