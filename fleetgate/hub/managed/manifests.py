"""The manifests of a managed gateway's objects, as they are applied to the hub.

    MseIngressConfig, AlbConfig ──owns──▶ Deployment, Service, PodDisruptionBudget, ConfigMap,
                                          Secret, ServiceAccount

They have only the fields that fleetgate decides. Others may set further fields on the hub.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from fleet.models import GatewayObject
from fleet.ref import Ref
from fleetgate.hub.managed.bootstrap import bootstrap_files
from fleetgate.hub.managed.pod import pod_template
from fleetgate.hub.managed.settings import ManagedSettings
from fleetgate.hub.managed.workload_names import (
    GATEWAY_LABEL,
    labels_of,
    secret_name,
    workload_name,
)
from translators.model.shapes import LoadBalancer, Shape

Json: TypeAlias = dict[str, Any]  # as an API server takes it


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """One object in fleetgate's namespace."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


API_VERSIONS: Final[Mapping[str, str]] = {
    "ServiceAccount": "v1",
    "ConfigMap": "v1",
    "Secret": "v1",
    "Service": "v1",
    "PodDisruptionBudget": "policy/v1",
    "Deployment": "apps/v1",
}
"""The apiVersions of the kinds that are written, in the order in which Pods need these."""


def key_of(manifest: Json) -> Key:
    """Return the key of a manifest's object."""
    return Key(manifest["kind"], manifest["metadata"]["name"])


def collection_path(kind: str, namespace: str) -> str:
    """Return the path of a kind's objects on an API server."""
    version = API_VERSIONS[kind]
    root = "apis" if "/" in version else "api"
    return f"/{root}/{version}/namespaces/{namespace}/{kind.lower()}s"


def objects(gateway: Ref, config: GatewayObject, settings: ManagedSettings) -> tuple[Json, ...]:
    """Return the manifests of all objects of a gateway except its certificate."""
    shape = settings.dialects.shape(gateway, config, settings.bind)
    owner = _owner(gateway, config, settings)
    named = settings.dialects.name_of(gateway)
    files = bootstrap_files(named, shape.size, settings)
    name = workload_name(named)
    selector = {GATEWAY_LABEL: name}

    def manifest(kind: str, body: Json, name: str = name, **annotated: Json) -> Json:
        metadata = {
            "name": name,
            "namespace": settings.namespace,
            "labels": labels_of(named),
            **{key: value for key, value in annotated.items() if value},
            **owner,
        }
        return {"apiVersion": API_VERSIONS[kind], "kind": kind, "metadata": metadata, **body}

    return (
        manifest("ServiceAccount", {"automountServiceAccountToken": False}),
        manifest("ConfigMap", {"data": files}),
        *(
            manifest(
                "Service",
                _service(shape, selector, settings),
                service_name(named, internal=balancer.internal),
                annotations=_cloud(balancer, settings),
            )
            for balancer in shape.load_balancers
        ),
        manifest("PodDisruptionBudget", _disruption_budget(selector)),
        manifest(
            "Deployment",
            {
                "spec": {
                    "replicas": shape.replicas,
                    "revisionHistoryLimit": 3,
                    "strategy": {
                        "type": "RollingUpdate",
                        "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0},
                    },
                    "selector": {"matchLabels": selector},
                    "template": pod_template(named, shape, settings, files),
                }
            },
        ),
    )


def certificate_object(gateway: Ref, config: GatewayObject, settings: ManagedSettings) -> Json:
    """Return the manifest of the Secret with a gateway's certificate, without its `data`."""
    named = settings.dialects.name_of(gateway)
    return {
        "apiVersion": API_VERSIONS["Secret"],
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {
            "name": secret_name(named),
            "namespace": settings.namespace,
            "labels": labels_of(named),
            **_owner(gateway, config, settings),
        },
    }


def service_name(gateway: str, *, internal: bool) -> str:
    """Return the name of the Service of a load balancer.

    A public and an internal load balancer have a Service each, since clouds cannot turn one into
    the other.
    """
    return f"{workload_name(gateway)}-internal" if internal else workload_name(gateway)


def _service(shape: Shape, selector: Json, settings: ManagedSettings) -> Json:
    spec: Json = {
        "type": "LoadBalancer",
        # Envoys see the addresses of clients, and a node without Envoys gets no traffic.
        "externalTrafficPolicy": "Local",
        "selector": selector,
        "ports": [
            *(_service_port(f"port-{port}", port, "TCP", settings) for port in shape.ports),
            *(_service_port(f"quic-{port}", port, "UDP", settings) for port in shape.quic_ports),
        ],
    }
    if settings.load_balancer.load_balancer_class:
        spec["loadBalancerClass"] = settings.load_balancer.load_balancer_class
    return {"spec": spec}


def _service_port(name: str, port: int, protocol: str, settings: ManagedSettings) -> Json:
    target = port + settings.bind.port_offset
    return {"name": name, "port": port, "targetPort": target, "protocol": protocol}


def _cloud(balancer: LoadBalancer, settings: ManagedSettings) -> Json:
    """Return the annotations by which a cloud makes the load balancer that is asked for."""
    s = settings.load_balancer
    annotations = dict(s.internal_annotations if balancer.internal else s.public_annotations)
    if balancer.size and s.size_annotation:
        annotations[s.size_annotation] = balancer.size
    return annotations


def _disruption_budget(selector: Json) -> Json:
    """Return the body by which nodes drain one Envoy at a time, and broken Envoys at any time."""
    return {
        "spec": {
            "maxUnavailable": 1,
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": {"matchLabels": selector},
        }
    }


def _owner(gateway: Ref, config: GatewayObject, settings: ManagedSettings) -> Json:
    """Return the owner reference by which Kubernetes deletes an object with its gateway.

    It does so also while fleetgate is away.
    """
    if not config.metadata.uid:
        return {}
    reference = {
        "apiVersion": settings.dialects.of(gateway).kind.api_version,
        "kind": gateway.kind,
        "name": gateway.name,
        "uid": config.metadata.uid,
        "controller": True,
    }
    return {"ownerReferences": [reference]}
