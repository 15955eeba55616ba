"""The size of a request's body: a longer one gets 413, also if its length is not told."""

from dataclasses import dataclass
from typing import ClassVar, Final

from translators.envoy.access import Place
from translators.envoy.parts import RouteParts
from translators.model.policy import Scope
from translators.policies.policy import EnvoyPolicy
from xds.wire import field, pack_bytes, uint64_value

_TYPE: Final = "type.googleapis.com/envoy.extensions.filters.http.body_size_limit.v3.BodySizeLimit"
"""A message that envoy-data-plane lacks. Its only field is a UInt64Value, with the number 1."""


@dataclass(frozen=True, slots=True)
class BodySize(EnvoyPolicy):
    """The largest body of a request, in bytes."""

    scope: ClassVar[Scope] = Scope.ROUTE
    most: int

    def route(self, parts: RouteParts) -> None:
        """Refuse longer bodies on the route."""
        limit = pack_bytes(_TYPE, field(1, uint64_value(self.most)))
        parts.access.add(Place.BODY, "envoy.filters.http.body_size_limit", limit)
