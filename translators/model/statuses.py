"""Statuses of gateways and Ingresses, in the terms of no dialect."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from fleet.address import is_ip
from fleet.outage import Outage
from fleet.problem import Problem
from translators.model.listeners import ListenerPort


class Phase(Enum):
    """The phase of a gateway, in the words of the product documents."""

    PENDING = "Pending"
    """No Envoy of the gateway has asked for its configuration yet."""
    RUNNING = "Running"
    """An Envoy of the gateway is connected, but none has acknowledged the listeners yet."""
    LISTENING = "Listening"
    """An Envoy of the gateway has acknowledged its listeners."""
    FAILED = "Failed"
    """The gateway cannot be served as declared; the status message gives the reason."""


@dataclass(frozen=True, slots=True)
class RemoteCluster:
    """A member that a gateway attaches. `message` is "" while the member is well.

    `known` is False if the fleet has no such member. `outage` classifies the message: it stays the
    same while the cause does, even if the message changes.
    """

    cluster_id: str
    message: str = ""
    known: bool = True
    outage: Outage = Outage.OTHER


@dataclass(frozen=True, slots=True)
class Runtime:
    """What the running process knows of a gateway's Envoys.

    `running` says that one is connected, `listening` that one has acknowledged its listeners.
    `failure` says why none can run; "" if nothing has failed.
    """

    running: bool = False
    listening: bool = False
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The reason why a gateway's object cannot be read. `generation` is the unreadable version."""

    message: str
    generation: int = 0


@dataclass(frozen=True, slots=True)
class ShownCertificate:
    """A certificate that a gateway's object names for a listener. `id` is NAMESPACE/NAME."""

    listener: ListenerPort
    id: str
    is_default: bool


@dataclass(frozen=True, slots=True)
class GatewayStatus:
    """The status of a gateway's object.

    `message` says why the gateway does not listen. `addresses` are those at which clients reach it,
    if known. `id` is its ID for people. `listeners` are those that it serves, with the
    `certificates` that the object names for them. `generation` is the
    version of the object that the status is about, and 0 if no API server has numbered it.
    """

    phase: Phase
    message: str = ""
    remote_clusters: tuple[RemoteCluster, ...] = ()
    addresses: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    id: str = ""
    listeners: tuple[ListenerPort, ...] = ()
    generation: int = 0
    certificates: tuple[ShownCertificate, ...] = ()


@dataclass(frozen=True, slots=True)
class IngressStatus:
    """The status of an Ingress. It has no addresses while no gateway serves it."""

    gateways: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()

    def as_kubernetes(self) -> Mapping[str, Any]:  # JSON
        """Return the `status` field of the Ingress."""
        if not self.addresses:
            return {"loadBalancer": {}}
        points = [{"ip" if is_ip(text) else "hostname": text} for text in self.addresses]
        return {"loadBalancer": {"ingress": points}}
