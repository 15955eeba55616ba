"""One typed view of a running fleet, from which status and metrics are rendered.

Each method reads the state of the control plane when it is called. Call it between two turns.
"""

import socket
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypeAlias

from fleet.member_settings import MemberSettings
from fleet.problem import Problem, Severity
from fleet.ref import HUB, Ref
from fleet.state import Origin
from fleetgate.core.control import ControlPlane
from translators.dialects.dialect import Columns
from translators.envoy.names import backend_name
from translators.model.backends import Target
from translators.model.endpoints import Lack
from translators.model.rules import Rule
from translators.model.statuses import GatewayStatus, IngressStatus
from xds.resource import TypeUrl
from xds.views import ClientView

FileOf: TypeAlias = Callable[[Ref], str]

SHORT_NAMES: Final[Mapping[TypeUrl, str]] = {
    TypeUrl.LISTENER: "LDS",
    TypeUrl.SCOPED_ROUTE: "SRDS",
    TypeUrl.CLUSTER: "CDS",
    TypeUrl.ENDPOINT: "EDS",
    TypeUrl.SECRET: "SDS",
    TypeUrl.ROUTE: "RDS",
    TypeUrl.VIRTUAL_HOST: "VHDS",
}
"""The usual short name of each type of resource: the name of its discovery service."""


class Reach(StrEnum):
    """Whether an origin can be read."""

    REACHABLE = "reachable"
    UNREACHABLE = "unreachable"
    UNREAD = "unread"
    """The origin has not answered yet."""
    UNATTACHED = "unattached"
    """The member is not read, since no gateway attaches it."""


@dataclass(frozen=True, slots=True)
class OriginView:
    """The hub, or a member by its ID. `since` is the time from which it is out of reach.

    `settings` are those in force. The hub has none, and a member that is not read has the defaults.
    """

    id: str
    reach: Reach
    message: str = ""
    since: datetime | None = None
    settings: MemberSettings = field(default_factory=MemberSettings)


@dataclass(frozen=True, slots=True)
class GatewayView:
    """A gateway. Its Envoys listen on `address`, which is "" while it is unknown.

    `columns` are what its dialect shows in a table of its own, by their heads.
    """

    ref: Ref
    name: str
    status: GatewayStatus
    address: str
    ports: tuple[int, ...]
    columns: Columns


@dataclass(frozen=True, slots=True)
class IngressView:
    """An Ingress, with the number of its warnings."""

    ref: Ref
    status: IngressStatus
    warnings: int


@dataclass(frozen=True, slots=True)
class RuleView:
    """A rule of a host of a gateway. An empty host stands for all hosts without rules."""

    gateway: str
    host: str
    rule: Rule


@dataclass(frozen=True, slots=True)
class BackendView:
    """A backend of a gateway by the name of its Cluster, and the reason why it has no endpoint."""

    gateway: str
    name: str
    lack: Lack


@dataclass(frozen=True, slots=True)
class Replica:
    """The name of this process of fleetgate, and the number of other replicas at the hub."""

    name: str = field(default_factory=socket.gethostname)
    others: int = 0


@dataclass(frozen=True, slots=True)
class Writing:
    """Counts of the writing to the hub.

    `events_waiting` is the number of events that wait for the rate limit. `refused` counts the
    writes that the hub refused, by sort. `changes` counts how often this process became the leader,
    or ceased to be it.
    """

    events_waiting: int = 0
    refused: Mapping[str, int] = field(
        default_factory=lambda: dict.fromkeys(("status", "event", "gateway"), 0)
    )
    changes: int = 0


class FleetView:
    """The fleet of one control plane."""

    def __init__(self, control: ControlPlane) -> None:
        self._control = control
        self._tables = control.translator.tables

    def gateways(self) -> Iterator[GatewayView]:
        """Yield the gateways in the order of their objects."""
        control = self._control
        for ref, status in sorted(self._tables.statuses.of_gateways.rows.items(), key=_by_ref):
            bind = control.gateways.get(ref)
            yield GatewayView(
                ref,
                control.dialects.name_of(ref),
                status,
                bind.address if bind else "",
                tuple(port for _, port in control.sockets(ref)),
                control.dialects.columns(ref, status),
            )

    def hub(self) -> OriginView:
        """Return the hub."""
        return _origin(HUB, self._control.state.origins.get(HUB, Origin()))

    def members(self) -> Iterator[OriginView]:
        """Yield the members that are read, by ID, and then those that no gateway attaches."""
        state = self._control.state
        for name, origin in sorted(state.origins.items()):
            if name != HUB:
                settings = state.settings.get(name, MemberSettings())
                yield replace(_origin(name, origin), settings=settings)
        for name in sorted(state.unattached):
            yield OriginView(name, Reach.UNATTACHED, "no gateway attaches it, so it is not read")

    def ingresses(self) -> Iterator[IngressView]:
        """Yield all Ingresses in order. One that no gateway takes has a status without gateways."""
        warnings = Counter(p.at for p in self.problems() if p.severity is Severity.WARNING)
        for ref, status in sorted(self._tables.statuses.of_ingresses.rows.items(), key=_by_ref):
            yield IngressView(ref, status, warnings[ref])

    def rules(self) -> Iterator[RuleView]:
        """Yield the rules of each host in the order in which Envoy asks them. O(all rules)."""
        for key, plan in sorted(self._tables.hosts.plans.rows.items(), key=_by_ref):
            gateway = self._control.dialects.name_of(key.gateway)
            for rule in plan.everything:
                yield RuleView(gateway, key.host, rule)

    def backends(self) -> Iterator[BackendView]:
        """Yield the backends of all rules. O(all backends)."""
        for (ref, target), row in self._tables.backends.assignments.rows.items():
            gateway = self._control.dialects.name_of(ref)
            yield BackendView(gateway, _name(target), row.lack)

    def envoys(self) -> tuple[ClientView, ...]:
        """Return the clients of xDS at this replica. Their texts are raw: quote them."""
        return tuple(self._control.cache.clients())

    def problems(self) -> tuple[Problem, ...]:
        """Return all problems, sorted by object."""
        return self._control.problems


def _origin(name: str, origin: Origin) -> OriginView:
    reach = Reach.REACHABLE if origin.listed else Reach.UNREAD
    return OriginView(
        name, reach if origin.reachable else Reach.UNREACHABLE, origin.message, origin.since
    )


def _name(target: Target) -> str:
    return backend_name(target.backends[0])


def _by_ref(item: tuple[Any, object]) -> Any:  # noqa: ANN401 (keys of any table, which are ordered)
    return item[0]
