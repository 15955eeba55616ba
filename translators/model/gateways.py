"""Gateways as their objects declare them, with their settings."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, NamedTuple, TypeAlias

from fleet.member_settings import MemberGateway
from fleet.problem import Problem
from fleet.ref import Ref
from translators.model.edge import EdgeSettings
from translators.model.listeners import Entry
from translators.model.nearness import Nearness
from translators.model.policy import Policy


class Boundaries(NamedTuple):
    """What a gateway keeps apart between namespaces.

    `owned` gives a host to one namespace. `denied` forbids routes to Services of other namespaces.
    `gateway` is the gateway's name, for problems.
    """

    gateway: str = ""
    owned: bool = False
    denied: bool = False


OPEN: Final = Boundaries()
"""The boundaries of a gateway without settings for them: nothing is kept apart."""


@dataclass(frozen=True, slots=True)
class UpstreamLimits:
    """Timeouts of connections to backends.

    `connect` bounds the TCP handshake; the default suits members that are near. `unacknowledged`
    bounds the time that sent bytes may wait for a TCP acknowledgement (TCP_USER_TIMEOUT). It
    detects silent partitions without health checks, and it also ends connections to a backend that
    stops reading for so long. `idle` bounds the life of a connection without requests. It must be
    shorter than the idle timeout of backends (5 s in Node), or requests are sent on connections
    that the backend is closing.
    """

    connect: timedelta = timedelta(milliseconds=250)
    unacknowledged: timedelta = timedelta(seconds=3)
    idle: timedelta = timedelta(seconds=4)


MemberGateways: TypeAlias = tuple[tuple[str, MemberGateway], ...]
"""The attached members that are reached by their own ingress, each with that ingress."""


class Upstreams(NamedTuple):
    """What all Clusters of a gateway depend on.

    `gateways` are the members that are reached by their own ingress. `tiered` is whether members
    stand behind nearer ones.
    """

    limits: UpstreamLimits
    gateways: MemberGateways = ()
    tiered: bool = False


@dataclass(frozen=True, slots=True)
class Selector:
    """The Ingresses that a gateway's object selects.

    An `ingress_class` of None selects no Ingress, "" selects all, "nginx" selects the class nginx
    and Ingresses without a class, and any other text selects that class. A `namespace` of "" allows
    every namespace.
    """

    gateway: Ref
    ingress_class: str | None
    namespace: str


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """The settings that annotations give to gateways of every dialect.

    `addresses` are the declared addresses at which clients reach the gateway. The certificate of
    `default_certificate` is for hosts without one of their own.
    """

    limits: UpstreamLimits = field(default_factory=UpstreamLimits)
    edge: EdgeSettings = field(default_factory=EdgeSettings)
    boundaries: Boundaries = OPEN
    addresses: tuple[str, ...] = ()
    default_certificate: Ref | None = None
    problems: tuple[Problem, ...] = ()
    nearness: Nearness = field(default_factory=Nearness)


@dataclass(frozen=True, slots=True)
class Gateway:
    """One gateway as its object declares it.

    `entries` are the listeners that can be served. `places` holds, in the same order, the field
    that declares each of them; "" stands for a listener that no field declares. `members_key` is
    the annotation that lists the members. `id` is the gateway's ID in its status; "" for dialects
    without one. `policies` hold for all of its listeners.
    """

    ref: Ref
    name: str
    entries: tuple[Entry, ...]
    places: tuple[str, ...]
    members: tuple[str, ...]
    members_key: str
    selector: Selector
    settings: GatewaySettings
    id: str
    problems: tuple[Problem, ...]
    policies: tuple[Policy, ...] = ()
