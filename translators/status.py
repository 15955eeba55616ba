"""Statuses as Kubernetes shows them: what a gateway and an Ingress are told about themselves."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from fleet.problem import Problem
from translators.endpoints import Lack
from translators.gateways import Gateway, is_ip
from translators.model import Backend, Rule


class Phase(Enum):
    """The life of a gateway, in the documents' words."""

    PENDING = "Pending"
    """Declared, but no Envoy of the gateway has asked for its configuration yet."""
    RUNNING = "Running"
    """An Envoy of the gateway is there, and has not acknowledged the listeners yet."""
    LISTENING = "Listening"
    """An Envoy of the gateway has acknowledged its listeners."""
    FAILED = "Failed"
    """It cannot be served as declared; the message says why."""


@dataclass(frozen=True, slots=True)
class RemoteCluster:
    """An attached member; `message` is "" while it is well."""

    cluster_id: str
    message: str = ""

    def as_kubernetes(self) -> dict[str, str]:
        """`{clusterId}`, and with it status and message where something is wrong."""
        failed = {"status": "Failed", "message": self.message} if self.message else {}
        return {"clusterId": self.cluster_id, **failed}


@dataclass(frozen=True, slots=True)
class Runtime:
    """What the roof knows of a gateway: is an Envoy there, does one listen, what has failed."""

    running: bool = False
    listening: bool = False
    failure: str = ""


@dataclass(frozen=True, slots=True)
class GatewayStatus:
    """The status of a MseIngressConfig; `addresses` are where clients reach it, if known."""

    phase: Phase
    message: str = ""
    remote_clusters: tuple[RemoteCluster, ...] = ()
    addresses: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()

    def as_kubernetes(self) -> Mapping[str, Any]:  # JSON
        """The object's `status`."""
        message = {"message": self.message} if self.message else {}
        remote = [cluster.as_kubernetes() for cluster in self.remote_clusters]
        return {"phase": self.phase.value, **message, "remoteClusters": remote}


@dataclass(frozen=True, slots=True)
class IngressStatus:
    """The status of an Ingress; no addresses while no gateway serves it."""

    gateways: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()

    def as_kubernetes(self) -> Mapping[str, Any]:  # JSON
        """The object's `status`."""
        if not self.addresses:
            return {"loadBalancer": {}}
        shown = [{"ip" if is_ip(found) else "hostname": found} for found in self.addresses]
        return {"loadBalancer": {"ingress": shown}}


def gateway_status(
    gateway: Gateway,
    runtime: Runtime,
    remote_clusters: tuple[RemoteCluster, ...],
    addresses: tuple[str, ...],
) -> GatewayStatus:
    """Say how a gateway is doing."""
    if runtime.failure:
        phase = Phase.FAILED
    elif runtime.listening:
        phase = Phase.LISTENING
    else:
        phase = Phase.RUNNING if runtime.running else Phase.PENDING
    return GatewayStatus(phase, runtime.failure, remote_clusters, addresses, gateway.problems)


def lacking(rule: Rule, backend: Backend, lack: Lack) -> Problem:
    """The problem of a rule whose backend has nobody to answer."""
    reasons = {
        Lack.SERVICE: "ServiceNotFound",
        Lack.PORT: "PortNotFound",
        Lack.ENDPOINTS: "NoReadyPods",
    }
    if rule.alternative is None:
        effect = "requests are answered with 503"
    else:
        effect = "its requests go to the backend of the main rule"
    return Problem(
        rule.origin,
        reasons[lack],
        f"{rule.at}.backend" if "paths" in rule.at else rule.at,
        f"{backend.namespace}/{backend.service}:{backend.port}",
        "a Service with this port and a ready Pod in an attached member",
        f"{lack.value}, {effect}",
    )
