"""Other bytes with the same meaning, for scoped routes that a rejected response has poisoned.

Envoy takes the scopes of a rejected SRDS response that precede the bad one into the table of its
main thread, but not to its workers. If the same bytes come again, Envoy takes them for unchanged:
it acknowledges and ignores them. So a scope of a rejected response is sent again with a mark in the
metadata of its RouteConfiguration.
Protobuf merges a repeated singular message, so the mark is appended, and the body stays shared.
"""

from typing import TYPE_CHECKING, Final

from xds import wire
from xds.prepared import Package
from xds.resource import Resource

if TYPE_CHECKING:
    from envoy_data_plane.envoy.config.core import v3 as core
else:
    core = Package("envoy.config.core.v3")

METADATA_KEY: Final = "fleetgate.resent"

_SCOPE_ROUTE_CONFIGURATION: Final = 5
_ROUTE_CONFIGURATION_METADATA: Final = 17
_VARINT, _FIXED64, _LENGTH_DELIMITED, _FIXED32 = 0, 1, 2, 5

_Metadata = wire.twin(core.Metadata)


def suffix(resource: Resource, mark: str) -> bytes:
    """The bytes to append to a ScopedRouteConfiguration; none if its route table is not inline."""
    if not _has_inline_table(resource.body):
        return b""
    metadata = _Metadata(filter_metadata={METADATA_KEY: wire.struct({"mark": mark})})
    table = wire.field(_ROUTE_CONFIGURATION_METADATA, wire.encode(metadata))
    return wire.field(_SCOPE_ROUTE_CONFIGURATION, table)


def _has_inline_table(body: bytes) -> bool:
    """Whether a field holds a route table. O(outermost fields)."""
    at = 0
    while at < len(body):
        key, at = _read_varint(body, at)
        kind = key & 7
        if key >> 3 == _SCOPE_ROUTE_CONFIGURATION:
            return True
        if kind == _VARINT:
            _, at = _read_varint(body, at)
        elif kind == _LENGTH_DELIMITED:
            length, at = _read_varint(body, at)
            at += length
        elif kind in (_FIXED64, _FIXED32):
            at += 8 if kind == _FIXED64 else 4
        else:
            return False
    return False


def _read_varint(body: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(body):
        value |= (body[at] & 0x7F) << shift
        at += 1
        if body[at - 1] < 0x80:
            break
        shift += 7
    return value, at
