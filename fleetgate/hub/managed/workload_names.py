"""The names and labels of a managed gateway's objects.

A Service's name is a DNS label of at most 63 characters. A Pod's host name is one too, and
Kubernetes adds up to 18 characters to it. A gateway's name may have 253 characters, and dots.
"""

import hashlib
import re
from typing import Final

GATEWAY_LABEL: Final = "fleetgate.dev/gateway"
MANAGED_BY: Final = "app.kubernetes.io/managed-by"

SELECTOR: Final = f"{MANAGED_BY}=fleetgate,{GATEWAY_LABEL}"
"""The label selector of all objects that fleetgate has written for gateways."""

BOOTSTRAP_ANNOTATION: Final = "fleetgate.dev/bootstrap"
"""The annotation of Pods with a hash of the bootstrap, which Envoy reads only at its start."""

_LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_LONGEST: Final = 36
"""The longest name that stays below 63 characters with `-internal` and Kubernetes' own endings."""


def workload_name(gateway: str) -> str:
    """Return the name of a gateway's Deployment and most of its objects, such as envoy-mse-shop.

    A gateway's name that does not fit is cut, and ends in a hash.
    """
    name = gateway.replace("/", "-")
    if len(name) > _LONGEST or not _LABEL.fullmatch(name):
        digest = hashlib.sha256(name.encode()).hexdigest()[:8]
        cut = name.replace(".", "-")[: _LONGEST - 9].rstrip("-")
        name = f"{cut}-{digest}"
    return f"envoy-{name}"


def secret_name(gateway: str) -> str:
    """Return the name of the Secret with the certificate that a gateway's Envoys show."""
    return f"{workload_name(gateway)}-xds"


def labels_of(gateway: str) -> dict[str, str]:
    """Return the labels of every object of a gateway."""
    return {
        "app.kubernetes.io/name": "envoy",
        "app.kubernetes.io/instance": workload_name(gateway),
        MANAGED_BY: "fleetgate",
        GATEWAY_LABEL: workload_name(gateway),
    }
