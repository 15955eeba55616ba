"""What the object of a gateway declares."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, NamedTuple

from fleet.problem import Problem
from fleet.ref import Ref
from translators.model.edge import EdgeSettings
from translators.model.listeners import Entry
from translators.model.policy import Policy


class Boundaries(NamedTuple):
    """What a gateway keeps apart; `gateway` is its name, for problems."""

    gateway: str = ""
    owned: bool = False
    denied: bool = False


OPEN: Final = Boundaries()
"""What a gateway keeps apart that says nothing."""


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
class GatewaySettings:
    """What gateways of every dialect can be told by annotations.

    `addresses` are those under which clients reach the gateway, where that is declared.
    """

    limits: UpstreamLimits = field(default_factory=UpstreamLimits)
    edge: EdgeSettings = field(default_factory=EdgeSettings)
    boundaries: Boundaries = OPEN
    addresses: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Gateway:
    """One gateway as declared.

    `entries` are the listeners that can be served, `places` the fields that declare them, in the
    same order; "" is that of a listener which no field declares. `members_key` is the annotation
    that lists the members. `id` is what the gateway is shown as, "" where its dialect shows no such
    thing. `policies` are those of all its listeners.
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
