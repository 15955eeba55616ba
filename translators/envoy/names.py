"""Names of generated resources. All are made in this file. Users rely on them: keep them stable.

    gateway      mse/NAME, alb/NAME                (a node's `cluster`)
    Listener     http-80, https-443
    route table  mse|shop.example.com, mse|*       (SRDS: the name is the key)
                 mse|*.example.com                 (the names of one more label)
                 http-80|shop.example.com          (ALB: each listener has its own)
                 inner|NAMESPACE/SERVICE/PORT      (for filters that ask this Cluster)
    Cluster      NAMESPACE/SERVICE/PORT            all Pods of all members; the first port is 0
                 NAMESPACE/SERVICE/PORT+PROTOCOL   the same, asked as an annotation says
                 NAMESPACE/SERVICE/PORT@SUBSET     the subset first, then the rest
                 NAMESPACE/SERVICE/PORT#INGRESS    with the weights of members that it gives
                 A>B                               B serves while A has no usable Pod
                 http://HOST:PORT, https://...     a host outside of the fleet
    Secret       shop.example.com, *.example.com   the certificate of the host
                 _default                          the certificate of all other hosts
                 quic|shop.example.com             the same for HTTP/3
                 client/NAMESPACE/NAME             a certificate towards backends

Only hosts put dots into names, because Envoy splits the names of statistics at dots. A digest
stands for a long SUBSET, and for the part behind A> if that is long: routes repeat these names.
"""

from hashlib import blake2b
from typing import Final
from urllib.parse import quote

from fleet.ref import Ref
from translators.model.backends import Backend, Outside, Subset, Target
from translators.model.listeners import ListenerPort, Protocol, TableSet

MEMBER: Final = "member"

BASE: Final = "base"

LONGEST: Final = 200
"""The longest text of a subset, or of the backends behind the first one, in a Cluster's name."""


def loop_name(gateway: str) -> str:
    """Return the name of a gateway in the CDN-Loop header, which allows no slash."""
    return f"fleetgate-{gateway.replace('/', '-')}"


def listener_name(listener: ListenerPort) -> str:
    """Return the name of a listener, made of the port that the gateway's users see."""
    return f"{listener.protocol.lower()}-{listener.port}"


def tables_of(listener: ListenerPort) -> TableSet:
    """Return the set of route tables that belongs to one listener only."""
    return TableSet(listener_name(listener))


def listener_of(tables: TableSet) -> ListenerPort | None:
    """Return the listener that a set belongs to; None for a set that all listeners share."""
    protocol, _, port = tables.partition("-")
    return ListenerPort(int(port), Protocol[protocol.upper()]) if port else None


def certificate_name(host: str) -> str:
    """Return the name of a host's certificate; "" stands for hosts without one of their own.

    Clients choose names: Envoys ask for the text that a client writes as its server name. No host
    has the name for "", and in the xDS protocol "*" would stand for all Secrets.
    """
    return host or "_default"


def client_certificate_name(secret: Ref) -> str:
    """Return the name under which Envoys request a Secret's certificate towards backends."""
    return f"client/{secret.namespace}/{secret.name}"


def quic_name(host: str) -> str:
    """Return the name of a host's certificate for QUIC, where no client chooses names."""
    return f"quic|{certificate_name(host)}"


def table_name(tables: TableSet, host: str) -> str:
    """Return the name of a host's route table, which is also its scope key.

    The host "" stands for all hosts without a table.
    """
    return f"{tables}|{host or '*'}"


def inner_tables() -> TableSet:
    """Return the set of the tables that filters ask. No listener uses it."""
    return TableSet("inner")


def cluster_name(target: Target) -> str:
    """Return the name of the Cluster of a target."""
    first, *others = map(backend_name, target.backends)
    if not others:
        return first
    rest = ">".join(others)
    return f"{first}>{rest if len(rest) <= LONGEST else _digest(rest)}"


def backend_name(backend: Backend) -> str:
    """Return the name of the Cluster of one backend."""
    port = _escape(backend.port.name) if backend.port.name else str(backend.port.number)
    protocol = f"+{backend.protocol}" if backend.protocol else ""
    subset = f"@{_subset(backend.subset)}" if backend.subset else ""
    weighted = f"#{_weighting(backend, backend.weighted_by)}" if backend.weighted_by else ""
    return f"{backend.namespace}/{backend.service}/{port}{protocol}{subset}{weighted}"


def outside_name(outside: Outside) -> str:
    """Return the name of the Cluster of a host outside of the fleet."""
    return f"{'https' if outside.tls else 'http'}://{_escape(outside.host)}:{outside.port}"


def _weighting(backend: Backend, ingress: Ref) -> str:
    """Name an Ingress; the namespace is left out where it is that of the Service."""
    name = _escape(ingress.name)
    same = ingress.namespace == backend.namespace
    return name if same else f"{ingress.namespace}/{name}"


def _subset(subset: Subset) -> str:
    parts = [(MEMBER, subset.member)] if subset.member else []
    parts += [(f"{key}~", value) for key, value in subset.labels]
    parts += [(BASE, "")] if subset.base else []
    name = "&".join(f"{_escape(key)}={_escape(value)}" for key, value in parts)
    return name if len(name) <= LONGEST else _digest(name)


def _digest(text: str) -> str:
    """Return a digest in hexadecimal, which cannot be the text of a subset or of a backend."""
    return blake2b(text.encode(), digest_size=16).hexdigest()


def _escape(text: str) -> str:
    return quote(text, safe="~").replace(".", "%2E")
