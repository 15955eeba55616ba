"""How gateways are run on the hub, the same for all of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from fleetgate.certificates.sds_files import SERVER_NAME
from fleetgate.defaults import ENVOY_ADMIN_PORT, XDS_PORT
from translators.dialects import DIALECTS
from translators.dialects.dialect import Dialects
from translators.model.binds import Bind

IMAGE: Final = "envoyproxy/envoy:v1.40.0"
"""Envoy's own image. It has to have bash, as this one has and the distroless one has not: Envoy is
drained over its admin port, which is on loopback, by a POST, which no probe of Kubernetes sends."""

INTERNAL: Final[Mapping[str, str]] = MappingProxyType(
    {
        "networking.gke.io/load-balancer-type": "Internal",
        "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type": "intranet",
        # The one for the provider that comes with Kubernetes, the other for the add-on controller.
        "service.beta.kubernetes.io/aws-load-balancer-internal": "true",
        "service.beta.kubernetes.io/aws-load-balancer-scheme": "internal",
        "service.beta.kubernetes.io/azure-load-balancer-internal": "true",
        "service.beta.kubernetes.io/do-loadbalancer-network": "INTERNAL",
        "service.beta.kubernetes.io/oci-load-balancer-internal": "true",
        "service.beta.kubernetes.io/openstack-internal-load-balancer": "true",
        "service.kubernetes.io/ibm-load-balancer-cloud-provider-ip-type": "private",
    }
)
"""What makes a load balancer internal, cloud by cloud: each reads its own and no other, and opens
to everybody what has none of its own."""

PUBLIC: Final[Mapping[str, str]] = MappingProxyType(
    {
        "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type": "internet",
        "service.beta.kubernetes.io/aws-load-balancer-scheme": "internet-facing",
    }
)
"""What makes one public, in clouds that have to be told."""

SIZE: Final = "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-spec"
"""Where `slb.s2.small` and its kind go; clouds without sizes do not read it."""

READY_PORT: Final = 19002
OWN_PORTS: Final = frozenset({ENVOY_ADMIN_PORT, READY_PORT})
"""What Envoys in Pods need themselves: no listener can have these ports."""


@dataclass(frozen=True, slots=True)
class LoadBalancerSettings:
    """What a Service tells the cloud. `size_annotation` "" leaves the size out."""

    public_annotations: Mapping[str, str] = field(default_factory=lambda: PUBLIC)
    internal_annotations: Mapping[str, str] = field(default_factory=lambda: INTERNAL)
    size_annotation: str = SIZE
    load_balancer_class: str = ""


@dataclass(frozen=True, slots=True)
class ManagedSettings:
    """Where managed gateways live, how they reach fleetgate, and how their Envoys are run.

    `bind` is where the control plane has gateways listen: all Envoys have a network of their own,
    so all of them the same. `xds_server_name` is the name in fleetgate's certificate, "" has xDS
    spoken in clear. `admin_port` is on loopback, `ready_port` answers kubelet and Prometheus.
    `drain` is how long a Pod that is to end goes on: load balancers see it, and requests finish.
    """

    namespace: str = "fleetgate-system"
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
