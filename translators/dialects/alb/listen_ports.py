"""The annotation `listen-ports`: the listeners of an ALB gateway that serve an Ingress."""

import json
from typing import Final

from translators.dialects.annotations.reader import Unusable, alb
from translators.model.bounds import MAX_LISTENERS
from translators.model.listeners import MAX_PORT, ListenerPort, Protocol

LISTEN_PORTS: Final = alb(
    "listen-ports",
    'JSON list of the listeners that serve the Ingress, such as `[{"HTTP":80},{"HTTPS":443}]`',
    default="HTTP 80, and HTTPS 443 for the hosts of `spec.tls`",
)

_EXPECTED: Final = 'a list such as [{"HTTP":80},{"HTTPS":443}]'


def listen_ports(text: str) -> tuple[ListenerPort, ...]:
    """Read the list without duplicates. One item may name several listeners."""
    try:
        items = json.loads(text, object_pairs_hook=tuple)  # a dict would lose a key's first value
    except (ValueError, RecursionError) as e:
        raise Unusable(_EXPECTED) from e
    if not isinstance(items, list) or not items:
        raise Unusable(_EXPECTED)
    ports = tuple(dict.fromkeys(found for item in items for found in _listeners(item)))
    if len(ports) > MAX_LISTENERS:
        raise Unusable(f"at most {MAX_LISTENERS} listeners, not {len(ports)}")
    return ports


def _listeners(item: object) -> list[ListenerPort]:
    if not isinstance(item, tuple) or not item:
        raise Unusable(_EXPECTED)
    return [_listener(protocol.upper(), port) for protocol, port in item]


def _listener(protocol: str, port: object) -> ListenerPort:
    if protocol not in {Protocol.HTTP, Protocol.HTTPS}:
        raise Unusable("HTTP and HTTPS alone")
    if not isinstance(port, int) or isinstance(port, bool) or not 1 <= port <= MAX_PORT:
        raise Unusable(f"ports from 1 to {MAX_PORT}, without quotes")
    return ListenerPort(port, Protocol(protocol))
