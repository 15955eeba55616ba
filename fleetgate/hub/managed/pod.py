"""The Pod of a managed gateway: one Envoy with few rights, which drains before it stops."""

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
"""The time that Envoy has to end by itself after it was drained."""

_PRIVILEGED_PORTS: Final = 1024

_DRAIN: Final = """\
exec 3<>/dev/tcp/127.0.0.1/{admin}
say() {{ printf '%s\\r\\n' "$@" >&3; }}
say 'POST {page}?graceful&skip_exit HTTP/1.1' 'Host: drain' 'Content-Length: 0' ''
sleep {seconds:g}
"""
"""The preStop hook of a Pod, a script for bash.

It has Envoy ask each client, by an answer, to connect anew, which leads to another Pod. Envoy
serves new connections until the script ends.

The Pod stays ready meanwhile. Kubernetes takes a terminating Pod out of the Service by itself. But
if it is the last ready one of its node, kube-proxy still forwards to it what a load balancer sends
there. A Pod that is not ready, as `/healthcheck/fail` would make it, drops these connections.
"""


def pod_template(
    gateway: str, shape: Shape, settings: ManagedSettings, files: Mapping[str, str]
) -> Json:
    """Return `Deployment.spec.template`. A change of the bootstrap in `files` replaces the Pods."""
    digest = hashlib.sha256(files[FILE].encode()).hexdigest()[:16]
    return {
        "metadata": {
            "labels": labels_of(gateway),
            "annotations": {
                BOOTSTRAP_ANNOTATION: digest,
                # Prometheus finds the Pods to scrape by these.
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
        # The image's own entry point changes owners of files, which takes root.
        "command": ["envoy"],
        "args": [
            *("--config-path", str(DIRECTORY / FILE)),
            *("--service-node", "$(POD_NAME)"),
            *("--concurrency", str(size.cores)),
            *("--log-level", "warning"),
            # Each answer asks the client to connect anew. By default only a growing part does.
            *("--drain-strategy", "immediate"),
            # A hot restart takes a second Envoy in the Pod, and a writable /dev/shm.
            "--disable-hot-restart",
        ],
        "env": [{"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
        "ports": [
            *_listener_ports(shape, settings),
            _port("ready", settings.ready_port),
        ],
        # --concurrency bounds the CPU of the workers. A limit would also stop them for the rest of
        # a tenth of a second whenever the main thread has used up their share.
        "resources": {
            "requests": {"cpu": str(size.cores), "memory": f"{size.memory}Gi"},
            "limits": {"memory": f"{size.memory}Gi"},
        },
        "readinessProbe": {
            "httpGet": {"path": READY, "port": "ready"},
            "periodSeconds": 2,
            # The main thread answers. It may be busy with a large change.
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
    """Return the ports of the container that stand for listeners. They only inform people.

    Ports that may change while the Pod runs are left out, since a change would replace all Pods.
    """
    if shape.vary:
        return []
    return [_port(f"port-{port}", port + settings.bind.port_offset) for port in shape.ports]


def _pod_security(shape: Shape, settings: ManagedSettings) -> Json:
    """Return a security context that fits the Pod Security Standard `restricted`.

    A sysctl of the Pod's own network lets Envoy listen on port 80 without root, and every cluster
    allows it. The capability NET_BIND_SERVICE has no effect for users other than root.
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
    """Return a constraint that spreads the Pods of one version where that is possible."""
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
