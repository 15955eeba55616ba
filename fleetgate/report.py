"""What the control plane knows, as JSON: the content of `/status` and of `fleetgate status`."""

import socket
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Final, TypeAlias

from fleet.problem import Problem, Severity
from fleet.ref import HUB, Ref
from fleet.state import Origin
from fleetgate.control import ControlPlane
from translators.model.statuses import GatewayStatus, RemoteCluster
from xds.quoted import MESSAGE, cut, quoted
from xds.resource import TypeUrl
from xds.views import ClientView

Json: TypeAlias = dict[str, Any]
FileOf: TypeAlias = Callable[[Ref], str]

SHORT_NAMES: Final = {
    TypeUrl.LISTENER: "LDS",
    TypeUrl.SCOPED_ROUTE: "SRDS",
    TypeUrl.CLUSTER: "CDS",
    TypeUrl.ENDPOINT: "EDS",
    TypeUrl.SECRET: "SDS",
    TypeUrl.ROUTE: "RDS",
    TypeUrl.VIRTUAL_HOST: "VHDS",
}


_UNATTACHED: Final = {
    "state": "unattached",
    "message": "no gateway attaches it, so it is not read",
    "since": "",
}


@dataclass(frozen=True, slots=True)
class Replica:
    """Which process of fleetgate this is, and how many others serve the same hub."""

    name: str = field(default_factory=socket.gethostname)
    others: int = 0


def report(
    control: ControlPlane,
    file_of: FileOf,
    admin_of: Callable[[str], str],
    replica: Replica | None = None,
) -> Json:
    """Gateways, the hub, members, Ingresses, problems, and the Envoys connected to this replica.

    `file_of` says which file an object came from, `admin_of` where a node's own admin pages are.
    """
    here = replica or Replica()
    ingresses = control.translator.tables.statuses.of_ingresses.rows
    problems = control.problems
    count = Counter(p.at for p in problems if p.severity is Severity.WARNING)
    return {
        "gateways": [_gateway(control, *item) for item in _gateways(control)],
        "hub": _origin(control.state.origins.get(HUB, Origin())),
        "members": [
            {"id": name, **_origin(origin)}
            for name, origin in sorted(control.state.origins.items())
            if name != HUB
        ]
        + [{"id": name, **_UNATTACHED} for name in sorted(control.state.unattached)],
        "ingresses": [
            {
                "namespace": ref.namespace,
                "name": ref.name,
                "gateways": list(status.gateways),
                "addresses": list(status.addresses),
                "problems": count[ref],
            }
            for ref, status in sorted(ingresses.items())
        ],
        "problems": [problem_json(problem, file_of) for problem in problems],
        "replica": {"name": here.name, "others": here.others},
        "envoys": [_envoy(client, admin_of) for client in control.cache.clients()],
    }


def statuses(control: ControlPlane) -> Json:
    """Every object's status as Kubernetes would hold it, and every problem as an event."""
    ingresses = control.translator.tables.statuses.of_ingresses.rows
    items = [
        *(
            _object(control, ref, control.dialects.status(ref, status))
            for ref, status in _gateways(control)
        ),
        *(_object(control, ref, s.as_kubernetes()) for ref, s in sorted(ingresses.items())),
        *(_event(problem) for problem in control.problems),
    ]
    return {"apiVersion": "v1", "kind": "List", "items": items}


def problem_json(problem: Problem, file_of: FileOf) -> Json:
    """A problem with everything that names it."""
    return {
        "member": problem.at.origin,
        "kind": problem.at.kind,
        "namespace": problem.at.namespace,
        "name": problem.at.name,
        "file": file_of(problem.at),
        "severity": problem.severity.value,
        "reason": problem.reason,
        "key": problem.key,
        "value": problem.value,
        "shown": problem.shown,
        "expected": problem.expected,
        "effect": problem.effect,
        "because": [f"{cause.at}: {cause.reason}" for cause in problem.because],
        "message": problem.message,
    }


def _gateways(control: ControlPlane) -> list[tuple[Ref, GatewayStatus]]:
    return sorted(control.translator.tables.statuses.of_gateways.rows.items(), key=itemgetter(0))


def _gateway(control: ControlPlane, ref: Ref, status: GatewayStatus) -> Json:
    bind = control.gateways.get(ref)
    return {
        "name": control.dialects.name_of(ref),
        "phase": status.phase.value,
        "message": status.message,
        "address": bind.address if bind else "",
        "addresses": list(status.addresses),
        "ports": [port for _, port in control.sockets(ref)],
        "members": [_attached(member) for member in status.remote_clusters],
    }


def _attached(member: RemoteCluster) -> Json:
    failed = {"status": "Failed", "message": member.message} if member.message else {}
    return {"clusterId": member.cluster_id, **failed}


def _origin(origin: Origin) -> Json:
    """How an origin is doing; `since` is when one that is lost was last known to be as it is."""
    state = "reachable" if origin.listed else "unread"
    return {
        "state": state if origin.reachable else "unreachable",
        "message": origin.message,
        "since": origin.since.isoformat(timespec="seconds") if origin.since else "",
    }


def _envoy(client: ClientView, admin_of: Callable[[str], str]) -> Json:
    return {
        "node": quoted(client.node_id),
        "gateway": quoted(client.group),
        "version": client.version,
        "protocol": client.protocol,
        "admin": admin_of(client.node_id),
        "waits": client.waits,
        "types": {
            SHORT_NAMES[type_url]: {
                "acknowledged": view.acknowledged,
                "pending": view.pending,
                "error": view.error and cut(view.error, MESSAGE),
            }
            for type_url, view in client.types.items()
        },
    }


def _object(control: ControlPlane, ref: Ref, status: Mapping[str, Any]) -> Json:
    namespace = {"namespace": ref.namespace} if ref.namespace else {}
    return {
        "apiVersion": control.dialects.kinds[ref.kind].api_version,
        "kind": ref.kind,
        "metadata": {"name": ref.name, **namespace},
        "status": dict(status),
    }


def _event(problem: Problem) -> Json:
    involved = {"kind": problem.at.kind, "name": problem.at.name}
    if problem.at.namespace:
        involved["namespace"] = problem.at.namespace
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "type": problem.severity.event_type,
        "involvedObject": involved,
        "reason": problem.reason,
        "message": problem.message,
        "source": {"component": "fleetgate", "host": problem.at.origin},
    }
