"""Which gateways there are, and which Ingresses each of them takes."""

import ipaddress
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from fleet.models import Ingress, IngressClass, MseIngressConfig
from fleet.problem import Problem
from fleet.ref import HUB, Ref
from translators.annotations.reader import Unusable

REMOTE_CLUSTERS: Final = "mse.alibabacloud.com/remote-clusters"
CLASS_ANNOTATION: Final = "kubernetes.io/ingress.class"
MSE_GROUP: Final = "mse.alibabacloud.com"
MSE_CONTROLLER: Final = "mse.alibabacloud.com/ingress"

UPSTREAM_TIMEOUT: Final = "fleetgate.dev/upstream-timeout"
CONNECT_TIMEOUT: Final = "fleetgate.dev/connect-timeout"
ADDRESSES: Final = "fleetgate.dev/addresses"

_HOSTNAME: Final = re.compile(
    r"(?=.{1,253}$)[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*"
)

_DURATION: Final = re.compile(r"([0-9]{1,6})(ms|s)")


@dataclass(frozen=True, slots=True)
class UpstreamLimits:
    """How long a backend may be silent before the gateway gives up on it.

    `connect` is for near members. `unacknowledged` is the time that sent bytes may stay without a
    TCP acknowledgement (TCP_USER_TIMEOUT): it finds silent partitions without health checks, and
    also cuts a backend that stops reading for as long.
    """

    connect: timedelta = timedelta(milliseconds=250)
    unacknowledged: timedelta = timedelta(seconds=3)


@dataclass(frozen=True, slots=True)
class Selector:
    """Which Ingresses a gateway listens to.

    `ingress_class` None is none of them, "" is all, "nginx" is class nginx or no class, any other
    text is that class. `namespace` "" is every namespace.
    """

    gateway: Ref
    ingress_class: str | None
    namespace: str


@dataclass(frozen=True, slots=True)
class Gateway:
    """One gateway as declared.

    `addresses` are those under which clients reach it, where that is declared.
    """

    ref: Ref
    members: tuple[str, ...]
    selector: Selector
    limits: UpstreamLimits
    addresses: tuple[str, ...]
    problems: tuple[Problem, ...]


def read_gateway(ref: Ref, config: MseIngressConfig) -> Gateway:
    """Read a MseIngressConfig."""
    annotations = config.metadata.annotations
    members = _items(annotations.get(REMOTE_CLUSTERS, ""))
    local = config.spec.ingress.local
    problems: list[Problem] = []

    def setting(key: str, default: timedelta) -> timedelta:
        text = annotations.get(key, "").strip()
        try:
            return _duration(text) if text else default
        except Unusable as e:
            effect = f"{default.total_seconds():g}s holds"
            problems.append(Problem(ref, "InvalidAnnotation", key, text, e.expected, effect))
            return default

    defaults = UpstreamLimits()
    limits = UpstreamLimits(
        setting(CONNECT_TIMEOUT, defaults.connect),
        setting(UPSTREAM_TIMEOUT, defaults.unacknowledged),
    )
    addresses = _items(annotations.get(ADDRESSES, ""))
    for address in addresses:
        if not is_ip(address) and not _HOSTNAME.fullmatch(address):
            expected = "IP addresses or host names, with commas between them"
            effect = "it is not shown"
            problems.append(Problem(ref, "InvalidAnnotation", ADDRESSES, address, expected, effect))
    named = {problem.value for problem in problems if problem.key == ADDRESSES}
    return Gateway(
        ref,
        members,
        Selector(ref, local.ingress_class, local.watch_namespace),
        limits,
        tuple(address for address in addresses if address not in named),
        tuple(problems),
    )


def is_ip(text: str) -> bool:
    """Whether a text is an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _items(text: str) -> tuple[str, ...]:
    """The items of a list with commas: trimmed, each once, none empty."""
    return tuple(dict.fromkeys(item for part in text.split(",") if (item := part.strip())))


def unknown_member(gateway: Ref, member: str) -> Problem:
    """The problem of a gateway that names a member which the fleet does not have."""
    return Problem(
        gateway,
        "MemberNotFound",
        REMOTE_CLUSTERS,
        member,
        "the ID of a member of the fleet",
        "the gateway sends nothing there",
    )


def _duration(text: str) -> timedelta:
    if found := _DURATION.fullmatch(text):
        value = timedelta(milliseconds=int(found[1]) * (1 if found[2] == "ms" else 1000))
        if timedelta(milliseconds=10) <= value <= timedelta(hours=1):
            return value
    raise Unusable("a time from 10ms to 3600s, such as 250ms or 3s")


@dataclass(frozen=True, slots=True)
class Attachment:
    """The gateways that serve an Ingress, and why it has none where that is a mistake."""

    gateways: tuple[Ref, ...] = ()
    problems: tuple[Problem, ...] = ()


def class_of(ingress: Ingress) -> tuple[str, str]:
    """The class that an Ingress names ("" for none) and the key that says so.

    The old annotation beats `spec.ingressClassName`.
    """
    annotated = ingress.metadata.annotations.get(CLASS_ANNOTATION, "").strip()
    if annotated:
        return annotated, f"metadata.annotations[{CLASS_ANNOTATION}]"
    return ingress.spec.ingress_class_name or "", "spec.ingressClassName"


def attach(
    ref: Ref,
    ingress: Ingress,
    ingress_class: IngressClass | None,
    selectors: tuple[Selector, ...],
) -> Attachment:
    """Find the gateways of an Ingress. A class with parameters beats the gateways' selectors."""
    name, key = class_of(ingress)
    parameters = ingress_class.spec.parameters if ingress_class else None
    ours = (
        ingress_class is not None
        and ingress_class.spec.controller == MSE_CONTROLLER
        and parameters is not None
        and (parameters.api_group, parameters.kind) == (MSE_GROUP, "MseIngressConfig")
    )
    if ours and parameters is not None:
        gateway = Ref(HUB, "MseIngressConfig", "", parameters.name)
        bound = [s for s in selectors if s.gateway == gateway]
        if not bound:
            expected = f"an IngressClass of a gateway that exists, not {parameters.name}"
            problem = Problem(ref, "GatewayNotFound", key, name, expected, "nothing serves it")
            return Attachment((), (problem,))
        taken = bound
    else:
        taken = [s for s in selectors if _selects(s, name)]
    namespace = ingress.metadata.namespace
    return Attachment(tuple(s.gateway for s in taken if s.namespace in {"", namespace}))


def _selects(selector: Selector, class_name: str) -> bool:
    if selector.ingress_class == "nginx":
        return class_name in {"", "nginx"}
    return selector.ingress_class is not None and selector.ingress_class in {"", class_name}
