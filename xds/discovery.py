"""Discovery messages on the wire: requests read into values, responses joined from ready bytes.

A response is the concatenation of its resources and a short tail. The head of a body (name,
version, type URL and lengths) is made once per resource and shared by all streams, so a response of
n resources costs n references and one copy:

    head(a) body(a) head(b) body(b) ... type_url nonce removed_resources

Protobuf allows fields in any order, so the name may precede the body.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from xds import wire
from xds.prepared import Package
from xds.quoted import cut, printable
from xds.resource import Resource

if TYPE_CHECKING:
    from envoy_data_plane.envoy.service.discovery import v3 as discovery
else:
    discovery = Package("envoy.service.discovery.v3")

LONGEST: Final = 1024
"""Characters of a name, a version, a type URL, a node's id or its cluster."""

MOST_NAMES: Final = 50_000
"""Names of each kind in a request, and of all types on a stream, unless a setting says else."""

_MESSAGE: Final = 4096
"""Characters that are kept of the message with which a client rejects a response."""

_LENGTH_DELIMITED: Final = 2

# Field numbers of envoy.service.discovery.v3 and google.protobuf.Any.
_RESPONSE_RESOURCES: Final = 2
_RESOURCE_VERSION: Final = 1
_RESOURCE_BODY: Final = 2
_RESOURCE_NAME: Final = 3
_ANY_TYPE_URL: Final = 1
_ANY_VALUE: Final = 2

_DeltaResponse = wire.twin(discovery.DeltaDiscoveryResponse)
_Response = wire.twin(discovery.DiscoveryResponse)


class OutOfBounds(ValueError):
    """A request holds more names, or longer texts, than a client needs. The text says which."""


@dataclass(frozen=True, slots=True)
class Node:
    """The client. `cluster` names the group that it belongs to, `agent` its software, if known."""

    id: str
    cluster: str
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """A request of either variant. `nonce` is empty in a first one, `error` is None in an ACK.

    Over delta, `names` are those that the client newly subscribes to, `unsubscribed` those that it
    gives up, and `held` has the versions that a reconnecting client holds, by name.
    Over state-of-the-world, `names` are all that the client is subscribed to, and `version` is the
    version_info that it accepted last.
    """

    node: Node
    type_url: str
    nonce: str = ""
    error: str | None = None
    names: Collection[str] = ()
    unsubscribed: tuple[str, ...] = ()
    held: Mapping[str, str] = field(default_factory=dict)
    version: str = ""


_NOBODY: Final = Node("", "")
"""The node of a request that names none, as all requests of a stream but the first."""


def parse_delta(data: bytes, most_names: int = MOST_NAMES) -> Request:
    """Read a DeltaDiscoveryRequest. Raises xds.wire.MalformedMessage or OutOfBounds."""
    message = wire.decode(discovery.DeltaDiscoveryRequest, data)
    held = message.initial_resource_versions
    return Request(
        node=_node(message),
        type_url=_short("type_url", message.type_url),
        nonce=message.response_nonce,
        error=_error(message),
        names=_names(message.resource_names_subscribe, most_names),
        unsubscribed=_names(message.resource_names_unsubscribe, most_names),
        held=_versions(held, most_names) if held else {},
    )


def parse_sotw(data: bytes, most_names: int = MOST_NAMES) -> Request:
    """Read a DiscoveryRequest. Raises xds.wire.MalformedMessage or OutOfBounds."""
    message = wire.decode(discovery.DiscoveryRequest, data)
    return Request(
        node=_node(message),
        type_url=_short("type_url", message.type_url),
        nonce=message.response_nonce,
        error=_error(message),
        names=_names(message.resource_names, most_names),
        version=message.version_info,
    )


def _names(found: Collection[str], most: int) -> tuple[str, ...]:
    """The names or versions of a request. They are counted before they are copied."""
    if not found:
        return ()
    if len(found) > most:
        raise OutOfBounds(f"a request names {len(found)} resources, and at most {most} are served")
    names = tuple(found)
    longest = max(map(len, names), default=0)
    if longest > LONGEST:
        raise OutOfBounds(
            f"a name or version in a request has {longest} characters, and at most {LONGEST} are "
            "served"
        )
    return names


def _versions(held: Mapping[str, str], most: int) -> dict[str, str]:
    return dict(zip(_names(held, most), _names(held.values(), most), strict=True))


def _short(what: str, text: str) -> str:
    if len(text) > LONGEST:
        raise OutOfBounds(f"{what} has {len(text)} characters, and at most {LONGEST} are served")
    return text


def _node(message: discovery.DeltaDiscoveryRequest | discovery.DiscoveryRequest) -> Node:
    node = message.node
    if node is None or not wire.has(message, "node"):
        return _NOBODY
    agent = printable(cut(node.user_agent_name))
    if wire.has(node, "user_agent_build_version"):
        build = node.user_agent_build_version
        if build is not None and build.version is not None:
            v = build.version
            agent = f"{agent} {v.major_number}.{v.minor_number}.{v.patch}".lstrip()
    elif node.user_agent_version:
        agent = f"{agent} {printable(cut(node.user_agent_version))}".lstrip()
    return Node(_short("node.id", node.id), _short("node.cluster", node.cluster), agent)


def _error(message: discovery.DeltaDiscoveryRequest | discovery.DiscoveryRequest) -> str | None:
    if not wire.has(message, "error_detail") or message.error_detail is None:
        return None
    # Envoy puts each of several reasons on a line of its own.
    said = printable(" ".join(cut(message.error_detail.message, _MESSAGE).split()))
    return said or f"code {message.error_detail.code}, no message"


def delta_head(type_url: str, resource: Resource, length: int) -> bytes:
    """The bytes that precede a body of `length` bytes in a DeltaDiscoveryResponse."""
    packed = _any_head(type_url, length)
    named = wire.field(_RESOURCE_NAME, resource.name.encode())
    named += wire.field(_RESOURCE_VERSION, resource.version.encode())
    named += _key(_RESOURCE_BODY, len(packed) + length) + packed
    return _key(_RESPONSE_RESOURCES, len(named) + length) + named


def sotw_head(type_url: str, length: int) -> bytes:
    """The bytes that precede a body of `length` bytes in a DiscoveryResponse."""
    packed = _any_head(type_url, length)
    return _key(_RESPONSE_RESOURCES, len(packed) + length) + packed


def delta_tail(type_url: str, nonce: str, removed: Iterable[str], version: str) -> bytes:
    """A DeltaDiscoveryResponse without resources."""
    return wire.encode(
        _DeltaResponse(
            type_url=type_url,
            nonce=nonce,
            removed_resources=list(removed),
            system_version_info=version,
        )
    )


def sotw_tail(type_url: str, nonce: str, version: str) -> bytes:
    """A DiscoveryResponse without resources."""
    return wire.encode(_Response(type_url=type_url, nonce=nonce, version_info=version))


def _any_head(type_url: str, length: int) -> bytes:
    return wire.field(_ANY_TYPE_URL, type_url.encode()) + _key(_ANY_VALUE, length)


def _key(number: int, length: int) -> bytes:
    """The key and the length that precede a field of `length` bytes."""
    encoded = bytearray((number << 3 | _LENGTH_DELIMITED,))
    while length > 0x7F:
        encoded.append(length & 0x7F | 0x80)
        length >>= 7
    encoded.append(length)
    return bytes(encoded)
