"""The Pod of a managed gateway: one Envoy, as little allowed as it needs, and drained on stop."""

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, TypeAlias

from fleetgate.hub.managed.bootstrap import CERTIFICATES, DIRECTORY, DRAIN, FILE, READY, STATISTICS
from fleetgate.hub.managed.settings import ManagedSettings
from fleetgate.hub.managed.workload_names import (
    BOOTSTRAP_ANNOTATION,
    GATEWAY_LABEL,
    labels_of,
    secret_name,
    workload_name,
)
from translators.model.shapes import Shape

Json: TypeAlias = dict[str, Any]  # as an API server takes it

USER: Final = 101
"""The user `envoy` of Envoy's image."""

GRACE: Final = timedelta(seconds=15)
"""What Envoy has to end by itself after it was drained."""

_PRIVILEGED_PORTS: Final = 1024

_DRAIN: Final = """\
exec 3<>/dev/tcp/127.0.0.1/{admin}
say() {{ printf '%s\\r\\n' "$@" >&3; }}
say 'POST {page}?graceful&skip_exit HTTP/1.1' 'Host: drain' 'Content-Length: 0' ''
sleep {seconds:g}
"""
"""What a Pod does before it ends: from here on Envoy tells each client with its answer to connect
anew, to another Pod; whoever still connects here is served until the end.

It stays ready. Kubernetes takes a Pod that ends out of the Service by itself, but where it is the
last one of its node and ready, kube-proxy sends on what a load balancer still sends there. A Pod
that is not ready (`/healthcheck/fail` would make it so) drops that instead.
"""


def pod_template(
    gateway: str, shape: Shape, settings: ManagedSettings, files: Mapping[str, str]
) -> Json:
    """`Deployment.spec.template`; another bootstrap among the `files` makes new Pods."""
    digest = hashlib.sha256(files[FILE].encode()).hexdigest()[:16]
    return {
        "metadata": {
            "labels": labels_of(gateway),
            "annotations": {
                BOOTSTRAP_ANNOTATION: digest,
                # What Prometheus is told by, where it looks for Pods to scrape.
                "prometheus.io/scrape": "true",
                "prometheus.io/port": str(settings.ready_port),
                "prometheus.io/path": STATISTICS,
            },
        },
        "spec": {
            "serviceAccountName": workload_name(gateway),
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": int((settings.drain + GRACE).total_seconds()),
            "securityContext": _pod_security(shape, settings),
            "topologySpreadConstraints": [
                _spread(gateway, "topology.kubernetes.io/zone"),
                _spread(gateway, "kubernetes.io/hostname"),
            ],
            "containers": [_container(shape, settings)],
            "volumes": _volumes(gateway, settings),
        },
    }


def _container(shape: Shape, settings: ManagedSettings) -> Json:
    size = shape.size
    drain = _DRAIN.format(
        admin=settings.admin_port, page=DRAIN, seconds=settings.drain.total_seconds()
    )
    mounts = [{"name": "bootstrap", "mountPath": str(DIRECTORY), "readOnly": True}]
    if settings.xds_server_name:
        mounts.append({"name": "xds", "mountPath": str(CERTIFICATES), "readOnly": True})
    return {
        "name": "envoy",
        "image": settings.image,
        # Not the image's own entry: it would change owners of files, which is for root.
        "command": ["envoy"],
        "args": [
            *("--config-path", str(DIRECTORY / FILE)),
            *("--service-node", "$(POD_NAME)"),
            *("--concurrency", str(size.cores)),
            *("--log-level", "warning"),
            *("--drain-strategy", "immediate"),  # each answer says it, not a growing part of them
            "--disable-hot-restart",  # for a second Envoy in the Pod; wants to write to /dev/shm
        ],
        "env": [{"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
        "ports": [
            *_listener_ports(shape, settings),
            _port("ready", settings.ready_port),
        ],
        # No limit of CPU: --concurrency is one, and a limit would stop all threads for the rest
        # of each tenth of a second that they share with the main thread.
        "resources": {
            "requests": {"cpu": str(size.cores), "memory": f"{size.memory}Gi"},
            "limits": {"memory": f"{size.memory}Gi"},
        },
        "readinessProbe": {
            "httpGet": {"path": READY, "port": "ready"},
            "periodSeconds": 2,
            # The main thread answers; it may be busy with a large change, and nothing is wrong.
            "timeoutSeconds": 5,
            "failureThreshold": 3,
        },
        "lifecycle": {"preStop": {"exec": {"command": ["bash", "-c", drain]}}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": mounts,
    }


def _listener_ports(shape: Shape, settings: ManagedSettings) -> list[Json]:
    """Ports of a Pod are for people: traffic comes to the others as well.

    Those that vary are left out, since a change to them would replace all Pods.
    """
    if shape.vary:
        return []
    return [_port(f"port-{port}", port + settings.bind.port_offset) for port in shape.ports]


def _pod_security(shape: Shape, settings: ManagedSettings) -> Json:
    """What Kubernetes calls restricted.

    Port 80 without root: a sysctl of the Pod's own network, which every cluster allows. The
    capability NET_BIND_SERVICE would not do, containers give none to users but root.
    """
    security: Json = {
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        "fsGroup": USER,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    lowest = 1 if shape.vary else min(shape.ports)
    if lowest + settings.bind.port_offset < _PRIVILEGED_PORTS:
        security["sysctls"] = [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}]
    return security


def _spread(gateway: str, topology: str) -> Json:
    """Spread the Pods of one version; where that is not possible, run them all the same."""
    return {
        "topologyKey": topology,
        "maxSkew": 1,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": {GATEWAY_LABEL: workload_name(gateway)}},
        "matchLabelKeys": ["pod-template-hash"],
    }


def _volumes(gateway: str, settings: ManagedSettings) -> list[Json]:
    volumes: list[Json] = [{"name": "bootstrap", "configMap": {"name": workload_name(gateway)}}]
    if settings.xds_server_name:
        secret = {"secretName": secret_name(gateway), "defaultMode": 0o440}
        volumes.append({"name": "xds", "secret": secret})
    return volumes


def _port(name: str, port: int) -> Json:
    return {"name": name, "containerPort": port, "protocol": "TCP"}
