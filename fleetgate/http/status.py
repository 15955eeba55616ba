"""The view of a fleet as JSON, for `/status`, `/statuses` and `fleetgate status`."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from fleet.kinds import Kind
from fleet.member_settings import MemberGateway
from fleet.problem import Problem
from fleet.ref import Ref
from fleetgate.core.view import (
    SHORT_NAMES,
    FileOf,
    FleetView,
    GatewayView,
    IngressView,
    OriginView,
    Replica,
)
from translators.dialects.dialect import Dialects
from translators.model.statuses import RemoteCluster
from xds.quoted import MESSAGE, cut, quoted
from xds.views import ClientView

Json: TypeAlias = dict[str, Any]


def report(
    view: FleetView,
    file_of: FileOf,
    admin_of: Callable[[str], str],
    replica: Replica | None = None,
) -> Json:
    """Return the whole fleet, and the Envoys that are connected to this replica.

    `file_of` returns the file of an object, `admin_of` the address of a node's admin pages.
    """
    here = replica or Replica()
    return {
        "gateways": [_gateway(gateway) for gateway in view.gateways()],
        "hub": _origin(view.hub()),
        "members": [_member(member) for member in view.members()],
        "ingresses": [_ingress(ingress) for ingress in view.ingresses()],
        "problems": [problem_json(problem, file_of) for problem in view.problems()],
        "replica": {"name": here.name, "others": here.others},
        "envoys": [_envoy(client, admin_of) for client in view.envoys()],
    }


def statuses(view: FleetView, dialects: Dialects) -> Json:
    """Return every object's status as Kubernetes would hold it, and every problem as an event."""
    gateways = ((g.ref, dialects.status(g.ref, g.status)) for g in view.gateways())
    ingresses = ((i.ref, i.status.as_kubernetes()) for i in view.ingresses())
    items = [
        *(_object(dialects.kinds[r.kind], r, status) for r, status in (*gateways, *ingresses)),
        *(_event(problem) for problem in view.problems()),
    ]
    return {"apiVersion": "v1", "kind": "List", "items": items}


def problem_json(problem: Problem, file_of: FileOf) -> Json:
    """Return a problem with its object, the file of that, and all parts of its message."""
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


def _gateway(gateway: GatewayView) -> Json:
    status = gateway.status
    return {
        "name": gateway.name,
        "kind": gateway.ref.kind,
        "phase": status.phase.value,
        "message": status.message,
        "address": gateway.address,
        "addresses": list(status.addresses),
        "ports": list(gateway.ports),
        "members": [_attached(member) for member in status.remote_clusters],
        "columns": dict(gateway.columns),
    }


def _attached(member: RemoteCluster) -> Json:
    failed = {"status": "Failed", "message": member.message} if member.message else {}
    return {"clusterId": member.cluster_id, **failed}


def _member(member: OriginView) -> Json:
    settings = member.settings
    return {
        "id": member.id,
        **_origin(member),
        "addressing": settings.addressing.value,
        "gateway": _own_gateway(settings.gateway),
        "region": settings.region,
        "zone": settings.zone,
    }


def _own_gateway(gateway: MemberGateway | None) -> Json | None:
    """Return a member's own gateway, None where requests are not sent to one."""
    if gateway is None:
        return None
    return {
        "host": gateway.host,
        "port": gateway.port,
        "tls": gateway.tls.value,
        "sni": gateway.sni,
    }


def _origin(origin: OriginView) -> Json:
    return {
        "state": origin.reach.value,
        "message": origin.message,
        "since": origin.since.isoformat(timespec="seconds") if origin.since else "",
    }


def _ingress(ingress: IngressView) -> Json:
    return {
        "namespace": ingress.ref.namespace,
        "name": ingress.ref.name,
        "gateways": list(ingress.status.gateways),
        "addresses": list(ingress.status.addresses),
        "problems": ingress.warnings,
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


def _object(kind: Kind, ref: Ref, status: Mapping[str, Any]) -> Json:
    namespace = {"namespace": ref.namespace} if ref.namespace else {}
    return {
        "apiVersion": kind.api_version,
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
