"""Large requests, read once for all clients that send the same.

An Envoy asks by name for the endpoints of each Cluster, and all Envoys of a gateway send the same
half megabyte for it, name by name in one order.
"""

import sys
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeAlias

from xds.discovery import Request

Parse: TypeAlias = Callable[[bytes, int], Request]

_LARGE: Final = 4 << 10
_LARGEST: Final = 8 << 20  # bytes of one that is remembered
_REMEMBERED: Final = 4


class Requests:
    """Remembers the last large requests that say nothing of who sent them."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[Parse, bytes, int], Request] = OrderedDict()

    def read(self, parse: Parse, data: bytes, most_names: int) -> Request:
        """Read a request; O(its bytes) for their hash if it is remembered. Raises as `parse`."""
        if not _LARGE <= len(data) <= _LARGEST:
            return parse(data, most_names)
        key = parse, data, most_names
        known = self._known.get(key)
        if known is not None:
            self._known.move_to_end(key)
            return known
        request = parse(data, most_names)
        if request.node.id or request.held:
            return request
        # As a set, which keeps its hash: whoever shares it finds it at once.
        request = replace(request, names=frozenset(map(sys.intern, request.names)))
        self._known[key] = request
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return request
