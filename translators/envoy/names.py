"""Every name that fleetgate generates, made here alone. To change one is to break users.

    gateway      mse/NAME, alb/NAME                (a node's `cluster`)
    Listener     http-80                           (https-443 is kept for TLS)
    route table  mse|shop.example.com, mse|*       (SRDS: the name is the key)
                 mse|*.example.com                 (the names of one more label)
                 http-80|shop.example.com          (ALB: each listener has its own)
    Cluster      NAMESPACE/SERVICE/PORT            all Pods of all members
                 NAMESPACE/SERVICE/PORT+PROTOCOL   the same, asked by something else than HTTP/1.1
                 NAMESPACE/SERVICE/PORT@SUBSET     the subset first, then the rest
                 A>B                               B serves while A has no usable Pod

Names have no dots but in hosts: Envoy cuts statistic names at dots. A long SUBSET, and what follows
A where that is long, is a digest instead: routes repeat the names.
"""

from hashlib import blake2b
from typing import Final
from urllib.parse import quote

from fleet.ref import Ref
from translators.model.backends import Backend, BackendProtocol, Subset, Target
from translators.model.listeners import ListenerPort, Protocol, TableSet

MEMBER: Final = "member"

BASE: Final = "base"

LONGEST: Final = 200
"""Characters of a subset, and of the backends behind the first one, in the name of a Cluster."""


def loop_name(gateway: str) -> str:
    """What a gateway calls itself in the CDN-Loop header, where a slash is not allowed."""
    return f"fleetgate-{gateway.replace('/', '-')}"


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


def secret_name(secret: Ref) -> str:
    """The name under which Envoys ask for the certificate of a Secret."""
    return f"{secret.namespace}/{secret.name}"


def table_name(tables: TableSet, host: str) -> str:
    """The name and scope key of a host's route table; that of "" is for hosts without one."""
    return f"{tables}|{host or '*'}"


def cluster_name(target: Target) -> str:
    """The name of the Cluster that serves a target."""
    first, *others = map(backend_name, target.backends)
    if not others:
        return first
    rest = ">".join(others)
    return f"{first}>{rest if len(rest) <= LONGEST else _digest(rest)}"


def backend_name(backend: Backend) -> str:
    """The name of the Cluster of one backend."""
    port = _escape(backend.port.name) if backend.port.name else str(backend.port.number)
    protocol = "" if backend.protocol is BackendProtocol.HTTP else f"+{backend.protocol}"
    subset = f"@{_subset(backend.subset)}" if backend.subset else ""
    return f"{backend.namespace}/{backend.service}/{port}{protocol}{subset}"


def _subset(subset: Subset) -> str:
    parts = [(MEMBER, subset.member)] if subset.member else []
    parts += [(f"{key}~", value) for key, value in subset.labels]
    parts += [(BASE, "")] if subset.base else []
    name = "&".join(f"{_escape(key)}={_escape(value)}" for key, value in parts)
    return name if len(name) <= LONGEST else _digest(name)


def _digest(text: str) -> str:
    """Stand for a text; hexadecimal, and so never the name of a subset or of a backend."""
    return blake2b(text.encode(), digest_size=16).hexdigest()


def _escape(text: str) -> str:
    return quote(text, safe="~").replace(".", "%2E")
