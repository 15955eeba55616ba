"""The settings of all managed gateways on the hub."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from fleetgate.certificates.sds_files import SERVER_NAME
from fleetgate.defaults import ENVOY_ADMIN_PORT, NAMESPACE, XDS_PORT
from translators.dialects import DIALECTS
from translators.dialects.dialect import Dialects
from translators.model.binds import Bind

IMAGE: Final = "envoyproxy/envoy:v1.40.0"
"""Envoy's image. It has to have bash, which the distroless image lacks.

A script drains Envoy by a POST to its admin port on loopback. No hook of Kubernetes can send it.
"""

INTERNAL: Final[Mapping[str, str]] = MappingProxyType(
    {
        "networking.gke.io/load-balancer-type": "Internal",
        "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type": "intranet",
        # The provider in Kubernetes reads the first of these, the add-on controller the second.
        "service.beta.kubernetes.io/aws-load-balancer-internal": "true",
        "service.beta.kubernetes.io/aws-load-balancer-scheme": "internal",
        "service.beta.kubernetes.io/azure-load-balancer-internal": "true",
        "service.beta.kubernetes.io/do-loadbalancer-network": "INTERNAL",
        "service.beta.kubernetes.io/oci-load-balancer-internal": "true",
        "service.beta.kubernetes.io/openstack-internal-load-balancer": "true",
        "service.kubernetes.io/ibm-load-balancer-cloud-provider-ip-type": "private",
    }
)
"""The annotations of an internal load balancer, for all clouds at once.

Each cloud reads its own annotation only. Without it, the load balancer would be public.
"""

PUBLIC: Final[Mapping[str, str]] = MappingProxyType(
    {
        "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type": "internet",
        "service.beta.kubernetes.io/aws-load-balancer-scheme": "internet-facing",
    }
)
"""The annotations of a public load balancer, for clouds whose default is not public."""

SIZE: Final = "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-spec"
"""The annotation of a load balancer's size, such as `slb.s2.small`. Other clouds do not read it."""

READY_PORT: Final = 19002
"""The port of a Pod that answers kubelet and Prometheus."""
OWN_PORTS: Final = frozenset({ENVOY_ADMIN_PORT, READY_PORT})
"""The ports that an Envoy in a Pod needs itself. No listener may have them."""


@dataclass(frozen=True, slots=True)
class LoadBalancerSettings:
    """The annotations and the class of Services. An empty `size_annotation` leaves the size out."""

    public_annotations: Mapping[str, str] = field(default_factory=lambda: PUBLIC)
    internal_annotations: Mapping[str, str] = field(default_factory=lambda: INTERNAL)
    size_annotation: str = SIZE
    load_balancer_class: str = ""


@dataclass(frozen=True, slots=True)
class ManagedSettings:
    """The namespace of managed gateways, their way to fleetgate, and the settings of their Envoys.

    `bind` is the bind of all gateways, since each Pod has a network of its own. `xds_server_name`
    is the name in fleetgate's certificate, and "" means xDS in clear. `admin_port` is on loopback.
    `ready_port` answers kubelet and Prometheus. A terminating Pod serves for `drain`, so that load
    balancers notice its end, and requests finish.
    """

    namespace: str = NAMESPACE
    dialects: Dialects = DIALECTS
    image: str = IMAGE
    bind: Bind = field(default_factory=Bind)
    xds_address: str = SERVER_NAME
    xds_port: int = XDS_PORT
    xds_server_name: str = SERVER_NAME
    admin_port: int = ENVOY_ADMIN_PORT
    ready_port: int = READY_PORT
    drain: timedelta = timedelta(seconds=30)
    load_balancer: LoadBalancerSettings = field(default_factory=LoadBalancerSettings)
