"""The manifests of a member's running Pods and of their EndpointSlices.

In a cluster, Kubernetes' own controllers write these objects. Nothing else in the demo tells the
gateway where a Pod listens.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

import yaml

from fleetgate.demo.pod import Pod
from fleetgate.demo.workloads import Service, namespace_of

_NOTE = """\
# What runs in this member, written by the demo in place of kubelet and EndpointSlice controller.
# Edits here are overwritten: edit `replicas` of a Deployment instead.
"""

Manifest: TypeAlias = Mapping[str, object]
Ports: TypeAlias = tuple[tuple[str, int, str], ...]
"""The name, number and protocol of each port of an EndpointSlice."""


def render(services: Iterable[Service], pods: Sequence[Pod], port: Callable[[int], int]) -> str:
    """Return the manifests of one member, "" where it has none.

    `port` returns the number on which Pods listen in place of a targetPort.
    """
    documents = [_pod(pod) for pod in pods]
    for service in services:
        documents += _slices(service, pods, port)
    if not documents:
        return ""
    return _NOTE + yaml.safe_dump_all(documents, sort_keys=False, explicit_start=True)


def _slices(service: Service, pods: Sequence[Pod], port: Callable[[int], int]) -> list[Manifest]:
    """Return a slice of the Service for each set of port numbers, an empty one without Pods."""
    by_ports: dict[Ports, list[Pod]] = {}
    for pod in pods:
        if service.selects(pod.owner.namespace, pod.template.metadata.labels):
            by_ports.setdefault(_ports(service, pod, port), []).append(pod)
    groups = by_ports or {(): []}
    return [
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": f"{service.metadata.name}-{number}",
                "namespace": namespace_of(service),
                "labels": {
                    "kubernetes.io/service-name": service.metadata.name,
                    "endpointslice.kubernetes.io/managed-by": "fleetgate-demo",
                },
            },
            "addressType": "IPv4",
            "endpoints": [_endpoint(pod) for pod in members],
            "ports": [
                {"name": name, "port": number, "protocol": protocol}
                for name, number, protocol in ports
            ],
        }
        for number, (ports, members) in enumerate(groups.items())
    ]


def _ports(service: Service, pod: Pod, port: Callable[[int], int]) -> Ports:
    """Return the Service's ports on a Pod. A port whose name the Pod lacks is left out."""
    return tuple(
        (declared.name, port(target), declared.protocol)
        for declared in service.spec.ports
        if (target := declared.target(pod.template)) is not None
    )


def _endpoint(pod: Pod) -> Manifest:
    return {
        "addresses": [pod.place.address],
        "conditions": {"ready": pod.ready, "serving": pod.ready, "terminating": False},
        "targetRef": {"kind": "Pod", "namespace": pod.owner.namespace, "name": pod.name},
    }


def _pod(pod: Pod) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": pod.name,
            "namespace": pod.owner.namespace,
            "labels": dict(pod.template.metadata.labels),
        },
        "status": {
            "podIP": pod.place.address,
            "conditions": [{"type": "Ready", "status": str(pod.ready)}],
        },
    }
