"""The phase of a gateway, and the problems in its status."""

from collections.abc import Iterator, Mapping
from typing import Final

from fleet.problem import Problem
from fleet.ref import Ref
from translators.dialects.gateway_settings import ADDRESSES
from translators.model.binds import Bind
from translators.model.gateways import Gateway
from translators.model.listeners import MAX_PORT, ListenerPort
from translators.model.statuses import (
    GatewayStatus,
    Phase,
    Refusal,
    RemoteCluster,
    Runtime,
    ShownCertificate,
)

_WHY: Final[Mapping[Phase, str]] = {
    Phase.PENDING: "none of its Envoys has asked for its configuration yet",
    Phase.RUNNING: "none of its Envoys has taken its listeners yet",
    Phase.LISTENING: "",
    Phase.FAILED: "",
}
"""The message of each phase while nothing has failed."""


def gateway_status(
    gateway: Gateway | None,
    runtime: Runtime,
    remote_clusters: tuple[RemoteCluster, ...],
    addresses: tuple[str, ...],
    bind: Bind,
    generation: int = 0,
    refusal: Refusal | None = None,
    more: tuple[Problem, ...] = (),
    certificates: tuple[ShownCertificate, ...] = (),
    listeners: tuple[ListenerPort, ...] = (),
) -> GatewayStatus:
    """Make the status of a gateway whose Envoys listen at `bind`.

    A gateway whose object cannot be read (`refusal`) has failed, even though its last good version
    is still served. `gateway` is that version, or None if there never was one. `more` are problems
    of what the gateway refers to. `listeners` can be opened, and have `certificates`.
    """
    message = runtime.failure
    if gateway is not None:
        message = message if listeners else "none of its listeners can be served"
    if refusal is not None:
        message, generation = refusal.message, refusal.generation
    if message:
        phase = Phase.FAILED
    elif runtime.listening:
        phase = Phase.LISTENING
    else:
        phase = Phase.RUNNING if runtime.running else Phase.PENDING
    return GatewayStatus(
        phase,
        message or _WHY[phase],
        remote_clusters,
        addresses,
        (*_problems(gateway, remote_clusters, bind), *more) if gateway else (),
        gateway.id if gateway else "",
        listeners,
        generation,
        certificates if gateway else (),
    )


def troubled(gateway: Ref, key: str, cluster: RemoteCluster) -> Problem:
    """Report a gateway with a member that does not exist or cannot be reached.

    `key` is the annotation that lists the members of the gateway.
    """
    if cluster.known:
        expected = f"a member that can be reached: {cluster.outage.value}"
        effect = "what it held last is served"
        return Problem(gateway, "MemberUnreachable", key, cluster.cluster_id, expected, effect)
    expected, effect = "the ID of a member of the fleet", "the gateway sends nothing there"
    return Problem(gateway, "MemberNotFound", key, cluster.cluster_id, expected, effect)


def without_members(gateway: Ref, key: str) -> Problem:
    """Report a gateway that has Ingresses but no members; `key` is the annotation to list them."""
    expected = "the IDs of members, with commas between them"
    effect = "nobody is there to answer what its Ingresses declare"
    return Problem(gateway, "NoMembers", key, "", expected, effect)


def _problems(
    gateway: Gateway, remote_clusters: tuple[RemoteCluster, ...], bind: Bind
) -> Iterator[Problem]:
    yield from gateway.problems
    yield from _without_port(gateway, bind)
    yield from _on_loopback(gateway, bind)
    for cluster in remote_clusters:
        if cluster.message:
            yield troubled(gateway.ref, gateway.members_key, cluster)


def _without_port(gateway: Gateway, bind: Bind) -> Iterator[Problem]:
    for entry, place in zip(gateway.entries, gateway.places, strict=True):
        if not bind.takes(entry.at):
            yield _no_port(gateway.ref, place, entry.at, bind)


def _on_loopback(gateway: Gateway, bind: Bind) -> Iterator[Problem]:
    """Report declared addresses that clients on other hosts cannot reach, such as loopback."""
    for address in gateway.settings.addresses:
        if not bind.can_show(address):
            expected = "an address that clients elsewhere can reach"
            effect = "it is not shown"
            yield Problem(gateway.ref, "InvalidAnnotation", ADDRESSES, address, expected, effect)


def _no_port(gateway: Ref, place: str, listener: ListenerPort, bind: Bind) -> Problem:
    """Report a listener with a port that Envoy needs itself, or that the offset makes too high."""
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
