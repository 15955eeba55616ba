"""Which gateways there are, and what each of them is told by its object."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, TypeAlias

from fleet.address import is_ip
from fleet.attached import REMOTE_CLUSTERS, attached, listed
from fleet.misspelt import Asked
from fleet.models import AlbConfig, MseAccess, MseIngressConfig
from fleet.problem import Problem
from fleet.ref import Ref
from fleet.state import FleetState
from translators.alb_config import read_entries, read_id
from translators.annotations.setting import read_setting
from translators.annotations.values import duration
from translators.boundaries import Boundaries, read_boundaries
from translators.edge import EdgeSettings, read_edge
from translators.model import MSE_TABLES, Dialect, Entry, ListenerPort

GatewayConfig: TypeAlias = MseIngressConfig | AlbConfig

GATEWAY_MODELS: Final[tuple[type[GatewayConfig], ...]] = (MseIngressConfig, AlbConfig)
"""The kinds of objects that declare gateways."""

DIALECTS: Final[Mapping[str, Dialect]] = {
    MseIngressConfig.__name__: Dialect.MSE,
    AlbConfig.__name__: Dialect.ALB,
}
"""The dialect of a gateway by the kind of its object; other kinds declare none."""

HTTP_PORT: Final = 80

MSE_ENTRIES: Final[tuple[Entry, ...]] = (Entry(ListenerPort(HTTP_PORT), MSE_TABLES),)
"""What every MSE gateway listens on."""

MSE_PLACES: Final[tuple[str, ...]] = ("",)
"""No field declares it."""

UPSTREAM_TIMEOUT: Final = "fleetgate.dev/upstream-timeout"
CONNECT_TIMEOUT: Final = "fleetgate.dev/connect-timeout"
UPSTREAM_IDLE_TIMEOUT: Final = "fleetgate.dev/upstream-idle-timeout"
ADDRESSES: Final = "fleetgate.dev/addresses"

INSTANCE_REPLICAS: Final = "fleetgate.dev/instance-replicas"
INSTANCE_SPEC: Final = "fleetgate.dev/instance-spec"
"""What a MseIngressConfig has fields for, `spec.common.instance`, and an AlbConfig has not."""

READ_ELSEWHERE: Final[Mapping[str, tuple[str, ...]]] = {
    MseIngressConfig.__name__: (REMOTE_CLUSTERS[MseIngressConfig.__name__],),
    AlbConfig.__name__: (REMOTE_CLUSTERS[AlbConfig.__name__], INSTANCE_REPLICAS, INSTANCE_SPEC),
}
"""Annotations that `read_gateway` does not look up and that have an effect, by kind."""

_HOSTNAME: Final = re.compile(
    r"(?=.{1,253}$)(?![0-9.]*$)[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*"
)

_DURATION: Final = duration(timedelta(milliseconds=10), timedelta(hours=1), "250ms or 3s")


@dataclass(frozen=True, slots=True)
class UpstreamLimits:
    """How long a backend may be silent before the gateway gives up on it.

    `connect` is for near members. `unacknowledged` is the time that sent bytes may stay without a
    TCP acknowledgement (TCP_USER_TIMEOUT): it finds silent partitions without health checks, and
    also cuts a backend that stops reading for as long. `idle` is how long a connection is kept that
    carries no request; it has to be below what backends allow (Node's 5 s), or requests meet
    connections that are being closed.
    """

    connect: timedelta = timedelta(milliseconds=250)
    unacknowledged: timedelta = timedelta(seconds=3)
    idle: timedelta = timedelta(seconds=4)


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

    `entries` are the listeners that can be served, `places` the fields that declare them, in the
    same order; "" is that of an MSE gateway. `addresses` are those under which clients reach it,
    where that is declared. `id` is what an ALB gateway is shown as, "" for others.
    """

    ref: Ref
    dialect: Dialect
    entries: tuple[Entry, ...]
    places: tuple[str, ...]
    members: tuple[str, ...]
    selector: Selector
    limits: UpstreamLimits
    edge: EdgeSettings
    boundaries: Boundaries
    addresses: tuple[str, ...]
    id: str
    problems: tuple[Problem, ...]


def gateways_in(state: FleetState) -> dict[Ref, GatewayConfig]:
    """Every object that declares a gateway. O(gateways)."""
    return {ref: config for model in GATEWAY_MODELS for ref, config in state.table(model).items()}


def read_gateway(ref: Ref, config: GatewayConfig) -> Gateway:
    """Read a MseIngressConfig or an AlbConfig."""
    annotations = Asked(config.metadata.annotations, READ_ELSEWHERE[ref.kind])
    problems: list[Problem] = []
    edge, found_at_edge = read_edge(ref, annotations)
    problems += found_at_edge
    match config:
        case MseIngressConfig():
            entries, places = MSE_ENTRIES, MSE_PLACES
            dialect, shown = Dialect.MSE, ""
            if listed_clients := _listed_clients(config.spec.global_.ip_access_control):
                entries, places = (), ()
                problems.append(_restricted(ref, listed_clients))
            local = config.spec.ingress.local
            selector = Selector(ref, local.ingress_class, local.watch_namespace)
        case AlbConfig():
            dialect = Dialect.ALB
            declared, found = read_entries(ref, config.spec.listeners)
            entries, places = tuple(declared.values()), tuple(declared)
            shown, more = read_id(ref, config.spec.config)
            problems += (*found, *more)
            selector = Selector(ref, None, "")  # Ingresses come by their class alone
    limits = _limits(ref, annotations, problems)
    boundaries = read_boundaries(ref, annotations, problems)
    addresses = _addresses(ref, annotations, problems)
    return Gateway(
        ref=ref,
        dialect=dialect,
        entries=entries,
        places=places,
        members=attached(config),
        selector=selector,
        limits=limits,
        edge=edge,
        boundaries=boundaries,
        addresses=addresses,
        id=shown,
        problems=(*problems, *annotations.unread(ref)),
    )


def _listed_clients(access: MseAccess) -> str:
    return ", ".join(map(str, (*access.whitelist, *access.blacklist)))


def _restricted(ref: Ref, clients: str) -> Problem:
    """The problem of a gateway that is not for everybody: without its lists, it would be."""
    expected, effect = "a later version of fleetgate", "the gateway serves nothing"
    key = "spec.global.ipAccessControl"
    return Problem(ref, "NotSupported", key, clients, expected, effect)


def _limits(ref: Ref, annotations: Mapping[str, str], problems: list[Problem]) -> UpstreamLimits:
    def setting(key: str, default: timedelta) -> timedelta:
        shown = f"{default.total_seconds():g}s"
        return read_setting(ref, annotations, key, _DURATION, default, shown, problems)

    defaults = UpstreamLimits()
    return UpstreamLimits(
        setting(CONNECT_TIMEOUT, defaults.connect),
        setting(UPSTREAM_TIMEOUT, defaults.unacknowledged),
        setting(UPSTREAM_IDLE_TIMEOUT, defaults.idle),
    )


def _addresses(
    ref: Ref, annotations: Mapping[str, str], problems: list[Problem]
) -> tuple[str, ...]:
    usable = []
    for address in listed(annotations.get(ADDRESSES, "")):
        if is_ip(address) or _HOSTNAME.fullmatch(address):
            usable.append(address)
        else:
            expected = "IP addresses or host names, with commas between them"
            effect = "it is not shown"
            problems.append(Problem(ref, "InvalidAnnotation", ADDRESSES, address, expected, effect))
    return tuple(usable)
