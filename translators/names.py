"""Every name that fleetgate generates, made and parsed here alone. To change one is to break users.

    gateway      mse/NAME, alb/NAME                (a node's `cluster`)
    Listener     http-80                           (https-443 is kept for TLS)
    route table  mse|shop.example.com, mse|*       (SRDS: the name is the key)
                 mse|*.example.com                 (the names of one more label)
                 http-80|shop.example.com          (ALB: each listener has its own)
    Cluster      NAMESPACE/SERVICE/PORT            all Pods of all members
                 NAMESPACE/SERVICE/PORT@SUBSET     the subset first, then the rest
                 A>B                               B serves while A has no usable Pod

Names have no dots but in hosts: Envoy cuts statistic names at dots.
"""

from typing import Final
from urllib.parse import quote, unquote

from fleet.parse import is_name
from fleet.ref import HUB, Ref
from translators.model import (
    Backend,
    ListenerPort,
    Protocol,
    ServicePort,
    Subset,
    TableSet,
    Target,
)

MEMBER: Final = "member"
BASE: Final = "base"

_FLAVOURS: Final = {"MseIngressConfig": "mse", "AlbConfig": "alb"}
_KINDS: Final = {flavour: kind for kind, flavour in _FLAVOURS.items()}


def gateway_name(ref: Ref) -> str:
    """The name of a gateway, as its Envoys give it in `node.cluster`."""
    return f"{_FLAVOURS[ref.kind]}/{ref.name}"


def parse_gateway_name(name: str) -> Ref:
    """The gateway's object; ValueError where the text is no gateway's name."""
    flavour, _, rest = name.partition("/")
    if flavour not in _KINDS or not is_name(rest):
        raise ValueError(f"{name!r} is not FLAVOUR/NAME, such as mse/ackone-gateway or alb/web")
    return Ref(HUB, _KINDS[flavour], "", rest)


def loop_name(ref: Ref) -> str:
    """What a gateway calls itself in the CDN-Loop header, where a slash is not allowed."""
    return f"fleetgate-{_FLAVOURS[ref.kind]}-{ref.name}"


def listener_name(listener: ListenerPort) -> str:
    """The name of a listener by the port that the gateway's users see."""
    return f"{listener.protocol.lower()}-{listener.port}"


def tables_of(listener: ListenerPort) -> TableSet:
    """The set of route tables of a listener that has its own."""
    return TableSet(listener_name(listener))


def listener_of(tables: TableSet) -> ListenerPort | None:
    """The listener that has a set to itself; None for the one that all of a gateway share."""
    protocol, _, port = tables.partition("-")
    return ListenerPort(int(port), Protocol[protocol.upper()]) if port else None


def table_name(tables: TableSet, host: str) -> str:
    """The name and scope key of a host's route table; that of "" is for hosts without one."""
    return f"{tables}|{host or '*'}"


def cluster_name(target: Target) -> str:
    """The name of the Cluster that serves a target."""
    return ">".join(backend_name(backend) for backend in target.backends)


def backend_name(backend: Backend) -> str:
    """The name of the Cluster of one backend."""
    port = _escape(backend.port.name) if backend.port.name else str(backend.port.number)
    subset = f"@{_subset(backend.subset)}" if backend.subset else ""
    return f"{backend.namespace}/{backend.service}/{port}{subset}"


def parse_backend_name(name: str) -> Backend:
    """The backend that a Cluster's name stands for; ValueError for names that are not ours."""
    path, at, subset = name.partition("@")
    namespace, service, port = path.split("/")
    number = ServicePort(int(port)) if port.isdigit() else ServicePort(name=unquote(port))
    return Backend(namespace, service, number, _parse_subset(subset) if at else None)


def _subset(subset: Subset) -> str:
    parts = [(MEMBER, subset.member)] if subset.member else []
    parts += [(f"{key}~", value) for key, value in subset.labels]
    parts += [(BASE, "")] if subset.base else []
    return "&".join(f"{_escape(key)}={_escape(value)}" for key, value in parts)


def _parse_subset(text: str) -> Subset:
    pairs = [part.partition("=") for part in text.split("&")] if text else []
    values = {unquote(key): unquote(value) for key, _, value in pairs}
    labels = tuple((key[:-1], value) for key, value in values.items() if key.endswith("~"))
    return Subset(values.get(MEMBER, ""), labels, BASE in values)


def _escape(text: str) -> str:
    return quote(text, safe="~").replace(".", "%2E")
