"""A memo of parsed requests: large ones are parsed once for all clients that send the same bytes.

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
"""Bytes from which on a request is remembered."""

_LARGEST: Final = 8 << 20
"""Bytes up to which a request is remembered."""

_REMEMBERED: Final = 4
"""Requests that are remembered; the one that was used longest ago is forgotten first."""


class RequestMemo:
    """Remembers the last large requests that do not say who sent them."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[Parse, bytes, int], Request] = OrderedDict()

    def parse(self, parse: Parse, data: bytes, most_names: int) -> Request:
        """Parse a request, or give the one that was parsed from equal bytes before.

        A remembered request costs O(its bytes) for their hash. Raises what `parse` raises.
        """
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
        # A frozenset keeps its hash, so subscriptions find the set that they share at once.
        request = replace(request, names=frozenset(map(sys.intern, request.names)))
        self._known[key] = request
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return request
