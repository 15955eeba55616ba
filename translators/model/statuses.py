"""What gateways and Ingresses are told about themselves."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from fleet.address import is_ip
from fleet.outage import Outage
from fleet.problem import Problem
from translators.model.listeners import ListenerPort


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
    """An attached member; `message` is "" while it is well, `known` False if there is none.

    `outage` is the class of what the message tells: the same for as long as the cause is.
    """

    cluster_id: str
    message: str = ""
    known: bool = True
    outage: Outage = Outage.OTHER


@dataclass(frozen=True, slots=True)
class Runtime:
    """What the roof knows of a gateway: is an Envoy there, does one listen, what has failed."""

    running: bool = False
    listening: bool = False
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the object of a gateway cannot be read; `generation` is the version that cannot."""

    message: str
    generation: int = 0


@dataclass(frozen=True, slots=True)
class GatewayStatus:
    """The status of a gateway's object.

    `message` says why it does not listen. `addresses` are where clients reach it, if known. `id`
    is what it is shown as, `listeners` are those that it has. `generation` is the version of the
    object that all of this is about, 0 where no API server counts.
    """

    phase: Phase
    message: str = ""
    remote_clusters: tuple[RemoteCluster, ...] = ()
    addresses: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    id: str = ""
    listeners: tuple[ListenerPort, ...] = ()
    generation: int = 0


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
