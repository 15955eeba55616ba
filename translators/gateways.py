"""Which gateways there are, and what each of them is told by its object."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, TypeAlias

from fleet.address import is_ip
from fleet.attached import attached, listed
from fleet.models import AlbConfig, MseIngressConfig
from fleet.problem import Problem
from fleet.ref import Ref
from fleet.state import FleetState
from translators.alb_config import read_entries, read_id
from translators.annotations.reader import Unusable
from translators.boundaries import Boundaries, read_boundaries
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
ADDRESSES: Final = "fleetgate.dev/addresses"

_HOSTNAME: Final = re.compile(
    r"(?=.{1,253}$)(?![0-9.]*$)[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*"
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
    boundaries: Boundaries
    addresses: tuple[str, ...]
    id: str
    problems: tuple[Problem, ...]


def gateways_in(state: FleetState) -> dict[Ref, GatewayConfig]:
    """Every object that declares a gateway. O(gateways)."""
    return {ref: config for model in GATEWAY_MODELS for ref, config in state.table(model).items()}


def read_gateway(ref: Ref, config: GatewayConfig) -> Gateway:
    """Read a MseIngressConfig or an AlbConfig."""
    annotations = config.metadata.annotations
    problems: list[Problem] = []
    match config:
        case MseIngressConfig():
            dialect, entries, places, shown = Dialect.MSE, MSE_ENTRIES, MSE_PLACES, ""
            local = config.spec.ingress.local
            selector = Selector(ref, local.ingress_class, local.watch_namespace)
        case AlbConfig():
            dialect = Dialect.ALB
            declared, found = read_entries(ref, config.spec.listeners)
            entries, places = tuple(declared.values()), tuple(declared)
            shown, more = read_id(ref, config.spec.config)
            problems += (*found, *more)
            selector = Selector(ref, None, "")  # Ingresses come by their class alone
    return Gateway(
        ref=ref,
        dialect=dialect,
        entries=entries,
        places=places,
        members=attached(config),
        selector=selector,
        limits=_limits(ref, annotations, problems),
        boundaries=read_boundaries(ref, annotations, problems),
        addresses=_addresses(ref, annotations, problems),
        id=shown,
        problems=tuple(problems),
    )


def _limits(ref: Ref, annotations: Mapping[str, str], problems: list[Problem]) -> UpstreamLimits:
    def setting(key: str, default: timedelta) -> timedelta:
        text = annotations.get(key, "").strip()
        try:
            return _duration(text) if text else default
        except Unusable as e:
            effect = f"{default.total_seconds():g}s holds"
            problems.append(Problem(ref, "InvalidAnnotation", key, text, e.expected, effect))
            return default

    defaults = UpstreamLimits()
    return UpstreamLimits(
        setting(CONNECT_TIMEOUT, defaults.connect),
        setting(UPSTREAM_TIMEOUT, defaults.unacknowledged),
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


def _duration(text: str) -> timedelta:
    if found := _DURATION.fullmatch(text):
        value = timedelta(milliseconds=int(found[1]) * (1 if found[2] == "ms" else 1000))
        if timedelta(milliseconds=10) <= value <= timedelta(hours=1):
            return value
    raise Unusable("a time from 10ms to 3600s, such as 250ms or 3s")
