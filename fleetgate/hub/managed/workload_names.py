"""What the objects of a managed gateway are called, and how they are found again.

A Service's name is a DNS label of 63 characters, a Pod's host name too and it comes with eighteen
of Kubernetes' own; a gateway's name may have 253 and dots.
"""

import hashlib
import re
from typing import Final

GATEWAY_LABEL: Final = "fleetgate.dev/gateway"
MANAGED_BY: Final = "app.kubernetes.io/managed-by"

SELECTOR: Final = f"{MANAGED_BY}=fleetgate,{GATEWAY_LABEL}"
"""Everything that fleetgate has written for a gateway, and nothing else."""

BOOTSTRAP_ANNOTATION: Final = "fleetgate.dev/bootstrap"
"""On Pods: changes with the bootstrap, which Envoy reads only when it starts."""

_LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_LONGEST: Final = 36
"""`-internal` and Kubernetes' own endings included, nothing gets longer than 63."""


def workload_name(gateway: str) -> str:
    """The name of a gateway's Deployment and of whatever there is one of, such as envoy-mse-shop.

    A gateway whose name would not fit gets one that ends in a hash.
    """
    name = gateway.replace("/", "-")
    if len(name) > _LONGEST or not _LABEL.fullmatch(name):
        digest = hashlib.sha256(name.encode()).hexdigest()[:8]
        cut = name.replace(".", "-")[: _LONGEST - 9].rstrip("-")
        name = f"{cut}-{digest}"
    return f"envoy-{name}"


def secret_name(gateway: str) -> str:
    """The Secret with the certificate that a gateway's Envoys show to fleetgate."""
    return f"{workload_name(gateway)}-xds"


def labels_of(gateway: str) -> dict[str, str]:
    """The labels of every object of a gateway."""
    return {
        "app.kubernetes.io/name": "envoy",
        "app.kubernetes.io/instance": workload_name(gateway),
        MANAGED_BY: "fleetgate",
        GATEWAY_LABEL: workload_name(gateway),
    }
