"""Problems in the status of an Ingress: backends without Pods, missing listeners, and how many."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from fleet.problem import Problem
from fleet.ref import Ref
from translators.dialects.tls import listed
from translators.model.backends import Backend
from translators.model.bounds import MAX_PROBLEMS
from translators.model.endpoints import Lack
from translators.model.ingresses import Asked, Named, Role
from translators.model.listeners import ListenerPort
from translators.model.member_weights import MemberWeights
from translators.model.policy import Declared

REASONS: Final[Mapping[Lack, str]] = {
    Lack.MEMBERS: "NoMembers",
    Lack.SERVICE: "ServiceNotFound",
    Lack.EXTERNAL_NAME: "ExternalName",
    Lack.PORT: "PortNotFound",
    Lack.SELECTOR: "NoEndpointSlices",
    Lack.HEADLESS: "NoEndpointSlices",
    Lack.SLICES: "NoEndpointSlices",
    Lack.SLICE_PORT: "PortNotInSlices",
    Lack.ENDPOINTS: "NoReadyPods",
    Lack.NODE_PORT: "NoNodePort",
    Lack.NODES: "NoUsableNode",
    Lack.SHARED: "SharedAddress",
    Lack.DRAINED: "NoReadyPods",
    Lack.READY: "NoReadyPods",
}

_EFFECTS: Final[Mapping[Role, str]] = {
    Role.MAIN: "requests are answered with 503",
    Role.BACKED: "its requests go to the Service that stands in for it",
    Role.FALLBACK: "it stands in for no other Service",
    Role.CANARY: "its requests go to the backend of the main rule",
    Role.COPY: "no request is copied",
}


def lacking(named: Named, lack: Lack, gateway: str, because: tuple[Problem, ...] = ()) -> Problem:
    """Report a backend of a rule that cannot answer, or has only terminating Pods.

    `gateway` is "" if this holds at all gateways of the Ingress. `because` holds the problems of
    those gateways that are the cause.
    """
    backend = named.backend
    effect = _EFFECTS[named.role]
    if lack is Lack.READY and named.role is not Role.CANARY:
        effect = "which serve until they end"
    return Problem(
        named.rule.origin,
        REASONS[lack],
        named.key,
        f"{backend.namespace}/{backend.service}:{backend.port}",
        "a Service with this port and a ready Pod in an attached member",
        f"{lack.value}, {effect}" + (f" at {gateway}" if gateway else ""),
        because,
    )


def asking(at: Ref, declared: Declared, backend: Backend, lack: Lack, gateway: str) -> Problem:
    """Report an Ingress whose requests a service must allow that cannot answer."""
    ends = lack is Lack.READY
    effect = "which serve until they end" if ends else "requests are answered with 500"
    return Problem(
        at,
        REASONS[lack],
        declared.key,
        declared.value,
        f"a Service {backend.namespace}/{backend.service} with port {backend.port} and a ready Pod "
        "in an attached member",
        f"{lack.value}, {effect}" + (f" at {gateway}" if gateway else ""),
    )


def shortened(ref: Ref, problems: Collection[Problem]) -> tuple[Problem, ...]:
    """Sort the problems of an object, and shorten the list to MAX_PROBLEMS of each reason.

    One more problem for each shortened reason says how many were left out.
    """
    ordered = sorted(problems)
    if len(ordered) <= MAX_PROBLEMS:
        return tuple(ordered)
    of_reason: dict[str, list[Problem]] = {}
    for problem in ordered:
        of_reason.setdefault(problem.reason, []).append(problem)
    first = [problem for alike in of_reason.values() for problem in alike[:MAX_PROBLEMS]]
    more = [_more(ref, alike) for alike in of_reason.values() if len(alike) > MAX_PROBLEMS]
    return tuple(sorted((*first, *more)))


def without_listener(
    ref: Ref, asked: Asked, gateway: str, served: tuple[ListenerPort, ...]
) -> Problem:
    """Report an Ingress that asks for a listener which its gateway does not serve."""
    listener = asked.listener
    effect = f"it is not served on {listener}"
    listeners = ", ".join(map(str, served)) or "none that can be served"
    expected = f"a listener of {gateway}, which has {listeners}"
    if not asked.value:
        expected += f"; without the annotation it is {listener} alone"
    return Problem(ref, "ListenerNotFound", asked.key, asked.value, expected, effect)


def unattached(
    ref: Ref, weights: MemberWeights, members: Collection[str], gateway: str
) -> Iterator[Problem]:
    """Report weights of members that the gateway does not attach."""
    skipped = [entry for entry in weights.entries if entry.member not in members]
    all_skipped = len(skipped) == len(weights.entries)
    effect = (
        "all Pods of its clusters share the requests" if all_skipped else "the weight is left out"
    )
    for entry in skipped:
        expected = f"a cluster that {gateway} attaches, not {entry.member}"
        yield Problem(ref, "ClusterNotAttached", entry.key, str(entry.weight), expected, effect)


def without_certificate(ref: Ref, asked: Asked, gateway: str, hosts: Sequence[str]) -> Problem:
    """Report hosts that ask for a listener for TLS, and have no certificate."""
    expected = (
        f"a certificate for {listed([host or '*' for host in hosts])}, by spec.tls or by the "
        f"listener of {gateway}"
    )
    effect = f"connections to {asked.listener} for these hosts are refused"
    return Problem(ref, "NoCertificate", asked.key, asked.value, expected, effect)


def _more(ref: Ref, alike: Sequence[Problem]) -> Problem:
    first = alike[0]
    value = f"{len(alike) - MAX_PROBLEMS} more like these"
    return Problem(ref, first.reason, "", value, "fewer", first.effect, severity=first.severity)
