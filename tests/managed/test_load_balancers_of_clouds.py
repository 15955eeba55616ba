"""What each cloud's controller makes of the annotations of a gateway's Services.

Every controller reads its own keys and knows no other's. Where it finds none of them it has a
default, which is public nearly everywhere: a key that is missing opens an internal gateway.
"""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import pytest

from fleetgate.hub.managed.settings import INTERNAL, PUBLIC

Annotations: TypeAlias = Mapping[str, str]
IsInternal: TypeAlias = Callable[[Annotations], bool]

BETA: Final = "service.beta.kubernetes.io"


def reads(key: str, internal: str) -> IsInternal:
    """A controller with one key, and public without it."""
    return lambda annotations: annotations.get(key) == internal


def aws_in_tree(annotations: Annotations) -> bool:
    """Part of kubelet's provider, later cloud-provider-aws: anything but `false` is internal."""
    return annotations.get(f"{BETA}/aws-load-balancer-internal", "false") not in {"", "false"}


def aws_add_on(annotations: Annotations) -> bool:
    """aws-load-balancer-controller: `scheme` beats the old key, and without both it is internal."""
    old = annotations.get(f"{BETA}/aws-load-balancer-internal", "true")
    default = "internal" if old == "true" else "internet-facing"
    return annotations.get(f"{BETA}/aws-load-balancer-scheme", default) == "internal"


CONTROLLERS: Final[Mapping[str, IsInternal]] = {
    "alibaba-cloud": reads(f"{BETA}/alibaba-cloud-loadbalancer-address-type", "intranet"),
    "aws-in-tree": aws_in_tree,
    "aws-add-on": aws_add_on,
    "azure": reads(f"{BETA}/azure-load-balancer-internal", "true"),
    "digitalocean": reads(f"{BETA}/do-loadbalancer-network", "INTERNAL"),
    "google": reads("networking.gke.io/load-balancer-type", "Internal"),
    "ibm": reads("service.kubernetes.io/ibm-load-balancer-cloud-provider-ip-type", "private"),
    "openstack": reads(f"{BETA}/openstack-internal-load-balancer", "true"),
    "oracle": reads(f"{BETA}/oci-load-balancer-internal", "true"),
}


@pytest.mark.parametrize("controller", CONTROLLERS)
def test_an_internal_load_balancer_is_internal_in_each_cloud(controller: str) -> None:
    assert CONTROLLERS[controller](INTERNAL)


@pytest.mark.parametrize("controller", CONTROLLERS)
def test_a_public_load_balancer_is_public_in_each_cloud(controller: str) -> None:
    assert not CONTROLLERS[controller](PUBLIC)
