"""A running fleet as people see it: what status, metrics and pages are made of.

Each part is read when it is asked for, between two turns of the control plane. Nothing here is
JSON: whoever shows a part decides how.
"""

import socket
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypeAlias

from fleet.problem import Problem, Severity
from fleet.ref import HUB, Ref
from fleet.state import Origin
from fleetgate.core.control import ControlPlane
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
"""What people call the types of resources: by the service that serves them."""


class Reach(StrEnum):
    """How an origin can be read."""

    REACHABLE = "reachable"
    UNREACHABLE = "unreachable"
    UNREAD = "unread"
    """It has not answered yet."""
    UNATTACHED = "unattached"
    """No gateway attaches it."""


@dataclass(frozen=True, slots=True)
class OriginView:
    """The hub, or a member by its ID. `since` is when one that is lost was last known to be so."""

    id: str
    reach: Reach
    message: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class GatewayView:
    """A gateway. `address` is where its Envoys listen, "" where that is not known."""

    ref: Ref
    name: str
    status: GatewayStatus
    address: str
    ports: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class IngressView:
    """An Ingress, with the number of its warnings."""

    ref: Ref
    status: IngressStatus
    warnings: int


@dataclass(frozen=True, slots=True)
class RuleView:
    """A rule as it is asked on a host of a gateway, "" being every host that no rule names."""

    gateway: str
    host: str
    rule: Rule


@dataclass(frozen=True, slots=True)
class BackendView:
    """A backend of a gateway, by the name of its Cluster, and what it lacks."""

    gateway: str
    name: str
    lack: Lack


@dataclass(frozen=True, slots=True)
class Replica:
    """Which process of fleetgate this is, and how many others serve the same hub."""

    name: str = field(default_factory=socket.gethostname)
    others: int = 0


@dataclass(frozen=True, slots=True)
class Writing:
    """How a process is doing that writes to the hub."""

    events_waiting: int = 0
    refused: Mapping[str, int] = field(
        default_factory=lambda: dict.fromkeys(("status", "event", "gateway"), 0)
    )
    changes: int = 0


class FleetView:
    """What one control plane knows of its fleet."""

    def __init__(self, control: ControlPlane) -> None:
        self._control = control
        self._tables = control.translator.tables

    def gateways(self) -> Iterator[GatewayView]:
        """In the order of their objects."""
        control = self._control
        for ref, status in sorted(self._tables.statuses.of_gateways.rows.items(), key=_by_ref):
            bind = control.gateways.get(ref)
            yield GatewayView(
                ref,
                control.dialects.name_of(ref),
                status,
                bind.address if bind else "",
                tuple(port for _, port in control.sockets(ref)),
            )

    def hub(self) -> OriginView:
        """How the hub can be read."""
        return _origin(HUB, self._control.state.origins.get(HUB, Origin()))

    def members(self) -> Iterator[OriginView]:
        """Those that are read, in the order of their IDs, then those that no gateway attaches."""
        state = self._control.state
        for name, origin in sorted(state.origins.items()):
            if name != HUB:
                yield _origin(name, origin)
        for name in sorted(state.unattached):
            yield OriginView(name, Reach.UNATTACHED, "no gateway attaches it, so it is not read")

    def ingresses(self) -> Iterator[IngressView]:
        """Those of all classes, in order; what no gateway takes has none."""
        warnings = Counter(p.at for p in self.problems() if p.severity is Severity.WARNING)
        for ref, status in sorted(self._tables.statuses.of_ingresses.rows.items(), key=_by_ref):
            yield IngressView(ref, status, warnings[ref])

    def rules(self) -> Iterator[RuleView]:
        """In the order in which each host's are asked. O(rules of the fleet)."""
        for key, plan in sorted(self._tables.hosts.plans.rows.items(), key=_by_ref):
            gateway = self._control.dialects.name_of(key.gateway)
            for rule in plan.everything:
                yield RuleView(gateway, key.host, rule)

    def backends(self) -> Iterator[BackendView]:
        """What rules send requests to. O(backends of the fleet)."""
        for (ref, target), row in self._tables.backends.assignments.rows.items():
            gateway = self._control.dialects.name_of(ref)
            yield BackendView(gateway, _name(target), row.lack)

    def envoys(self) -> tuple[ClientView, ...]:
        """The clients of xDS that are connected to this replica; what they say is not quoted."""
        return tuple(self._control.cache.clients())

    def problems(self) -> tuple[Problem, ...]:
        """All that is known now, sorted by object."""
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
