"""Statuses as Kubernetes shows them: what a gateway and an Ingress are told about themselves."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from fleet.address import is_ip
from fleet.attached import REMOTE_CLUSTERS
from fleet.outage import Outage
from fleet.problem import Problem
from fleet.ref import Ref
from translators.bounds import MAX_PROBLEMS
from translators.endpoints import Lack
from translators.gateways import ADDRESSES, Gateway
from translators.listeners import Bind
from translators.model import MAX_PORT, Backend, Dialect, ListenerPort, Rule


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


_WHY: Final[Mapping[Phase, str]] = {
    Phase.PENDING: "none of its Envoys has asked for its configuration yet",
    Phase.RUNNING: "none of its Envoys has taken its listeners yet",
    Phase.LISTENING: "",
    Phase.FAILED: "",
}
"""What a phase says where nothing has failed."""


@dataclass(frozen=True, slots=True)
class RemoteCluster:
    """An attached member; `message` is "" while it is well, `known` False if there is none.

    `outage` is the class of what the message tells: the same for as long as the cause is.
    """

    cluster_id: str
    message: str = ""
    known: bool = True
    outage: Outage = Outage.OTHER

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
    """The status of a gateway's object.

    `message` says why it does not listen. `addresses` are where clients reach it, if known. `id`
    and `listeners` are shown of ALB gateways. `generation` is the version of the object that all of
    this is about, 0 where no API server counts.
    """

    phase: Phase
    message: str = ""
    remote_clusters: tuple[RemoteCluster, ...] = ()
    addresses: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    dialect: Dialect = Dialect.MSE
    id: str = ""
    listeners: tuple[ListenerPort, ...] = ()
    generation: int = 0

    def as_kubernetes(self) -> Mapping[str, Any]:  # JSON
        """The object's `status`."""
        observed = {"observedGeneration": self.generation} if self.generation else {}
        return observed | (self._as_alb() if self.dialect is Dialect.ALB else self._as_mse())

    def _as_mse(self) -> dict[str, Any]:  # JSON
        message = {"message": self.message} if self.message else {}
        remote = [cluster.as_kubernetes() for cluster in self.remote_clusters]
        return {"phase": self.phase.value, **message, "remoteClusters": remote}

    def _as_alb(self) -> dict[str, Any]:  # JSON
        """The conditions have no times: any replica that knows the same says the same."""
        shown = {"id": self.id} if self.id else {}
        shown |= {"dnsname": self.addresses[0]} if self.addresses else {}
        troubled = [c for c in self.remote_clusters if c.message]
        return {
            "loadBalancer": {
                **shown,
                "listeners": [{"portAndProtocol": str(listener)} for listener in self.listeners],
                "subClusters": [c.cluster_id for c in self.remote_clusters if c.known],
            },
            "conditions": [
                {
                    "type": "Listening",
                    "status": str(self.phase is Phase.LISTENING),
                    "reason": self.phase.value,
                    "message": self.message,
                },
                {
                    "type": "SubClustersReady",
                    "status": str(not troubled),
                    "reason": "NotAllReady" if troubled else "AllReady",
                    "message": "; ".join(f"{c.cluster_id}: {c.message}" for c in troubled),
                },
            ],
        }


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
    bind: Bind,
    generation: int = 0,
) -> GatewayStatus:
    """Say how a gateway is doing; `bind` is where its Envoys listen."""
    listeners = tuple(entry.at for entry in gateway.entries if bind.takes(entry.at))
    message = runtime.failure
    if not listeners:
        message = "none of its listeners can be served"
    if message:
        phase = Phase.FAILED
    elif runtime.listening:
        phase = Phase.LISTENING
    else:
        phase = Phase.RUNNING if runtime.running else Phase.PENDING
    problems = (
        *gateway.problems,
        *_without_port(gateway, bind),
        *_on_loopback(gateway, bind),
        *(troubled(gateway.ref, cluster) for cluster in remote_clusters if cluster.message),
    )
    return GatewayStatus(
        phase,
        message or _WHY[phase],
        remote_clusters,
        addresses,
        problems,
        gateway.dialect,
        gateway.id,
        listeners,
        generation,
    )


def _without_port(gateway: Gateway, bind: Bind) -> Iterator[Problem]:
    for entry, place in zip(gateway.entries, gateway.places, strict=True):
        if not bind.takes(entry.at):
            yield _no_port(gateway.ref, place, entry.at, bind)


def _on_loopback(gateway: Gateway, bind: Bind) -> Iterator[Problem]:
    """The problems of declared addresses that mean another machine to each client."""
    for address in gateway.addresses:
        if not bind.can_show(address):
            expected = "an address that clients elsewhere can reach"
            effect = "it is not shown"
            yield Problem(gateway.ref, "InvalidAnnotation", ADDRESSES, address, expected, effect)


def _no_port(gateway: Ref, place: str, listener: ListenerPort, bind: Bind) -> Problem:
    """The problem of a listener whose port is Envoy's own, or that an offset makes too high."""
    if bind.port_for(listener) in bind.taken:
        reason = "PortTaken"
        own = " and ".join(str(port - bind.port_offset) for port in sorted(bind.taken))
        expected = f"a port other than {own}, which Envoy needs itself"
    else:
        reason = "PortTooHigh"
        highest = MAX_PORT - bind.port_offset
        expected = f"a port up to {highest}, as {bind.port_offset} is added to it here"
    effect = "this listener is not served"
    return Problem(gateway, reason, place, str(listener), expected, effect)


def troubled(gateway: Ref, cluster: RemoteCluster) -> Problem:
    """The problem of a gateway one of whose members is not there, or cannot be reached."""
    key = REMOTE_CLUSTERS[gateway.kind]
    if cluster.known:
        expected = f"a member that can be reached: {cluster.outage.value}"
        effect = "what it held last is served"
        return Problem(gateway, "MemberUnreachable", key, cluster.cluster_id, expected, effect)
    expected, effect = "the ID of a member of the fleet", "the gateway sends nothing there"
    return Problem(gateway, "MemberNotFound", key, cluster.cluster_id, expected, effect)


def without_members(gateway: Ref) -> Problem:
    """The problem of a gateway that has Ingresses and attaches no member."""
    expected = "the IDs of members, with commas between them"
    effect = "nobody is there to answer what its Ingresses declare"
    return Problem(gateway, "NoMembers", REMOTE_CLUSTERS[gateway.kind], "", expected, effect)


_REASONS: Final[Mapping[Lack, str]] = {
    Lack.MEMBERS: "NoMembers",
    Lack.SERVICE: "ServiceNotFound",
    Lack.EXTERNAL_NAME: "ExternalName",
    Lack.PORT: "PortNotFound",
    Lack.SELECTOR: "NoEndpointSlices",
    Lack.HEADLESS: "NoEndpointSlices",
    Lack.SLICES: "NoEndpointSlices",
    Lack.SLICE_PORT: "PortNotInSlices",
    Lack.ENDPOINTS: "NoReadyPods",
    Lack.READY: "NoReadyPods",
}


def lacking(
    rule: Rule, backend: Backend, lack: Lack, gateway: str, because: tuple[Problem, ...] = ()
) -> Problem:
    """The problem of a rule whose backend has nobody to answer.

    `gateway` is "" where that is so at all of its gateways, `because` is what is wrong with these.
    """
    if rule.alternative is not None:
        effect = "its requests go to the backend of the main rule"
    elif lack is Lack.READY:
        effect = "which serve until they end"
    else:
        effect = "requests are answered with 503"
    return Problem(
        rule.origin,
        _REASONS[lack],
        f"{rule.at}.backend" if "paths" in rule.at else rule.at,
        f"{backend.namespace}/{backend.service}:{backend.port}",
        "a Service with this port and a ready Pod in an attached member",
        f"{lack.value}, {effect}" + (f" at {gateway}" if gateway else ""),
        because,
    )


def told(ref: Ref, problems: Collection[Problem]) -> tuple[Problem, ...]:
    """The problems of an object in order; of one reason the first ones, and how many more."""
    found = sorted(problems)
    if len(found) <= MAX_PROBLEMS:
        return tuple(found)
    of_reason: dict[str, list[Problem]] = {}
    for problem in found:
        of_reason.setdefault(problem.reason, []).append(problem)
    shown = [problem for alike in of_reason.values() for problem in alike[:MAX_PROBLEMS]]
    more = [_more(ref, alike) for alike in of_reason.values() if len(alike) > MAX_PROBLEMS]
    return tuple(sorted((*shown, *more)))


def _more(ref: Ref, alike: Sequence[Problem]) -> Problem:
    first = alike[0]
    value = f"{len(alike) - MAX_PROBLEMS} more like these"
    return Problem(ref, first.reason, "", value, "fewer", first.effect, severity=first.severity)
