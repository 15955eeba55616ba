"""What the protocol carries: named, versioned, already encoded resources.

Nothing in this package looks inside a body. The maker of a Resource encodes it once, and all
streams share the bytes.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from typing import TypeAlias


class TypeUrl(StrEnum):
    """The resource types of the xDS protocol that fleetgate serves."""

    CLUSTER = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
    ENDPOINT = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"
    LISTENER = "type.googleapis.com/envoy.config.listener.v3.Listener"
    SCOPED_ROUTE = "type.googleapis.com/envoy.config.route.v3.ScopedRouteConfiguration"
    ROUTE = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"
    VIRTUAL_HOST = "type.googleapis.com/envoy.config.route.v3.VirtualHost"
    SECRET = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"  # noqa: S105 (a type URL)


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource as it goes over the wire.

    `version` is a hash of `body` in most cases (see `of`): replicas agree on it, and equal content
    is never sent twice. `requires` names the ClusterLoadAssignments that a Cluster waits for while
    it warms. `origins` says what the resource was made from. It comes back with a rejection, and is
    not read.
    `prelude` is a resource of the same name. Where a client would wait too long for its Cluster to
    warm with this resource, it is told the prelude first, and this one right after.
    """

    name: str
    body: bytes
    version: str
    requires: tuple[str, ...] = ()
    origins: tuple[Hashable, ...] = ()
    prelude: "Resource | None" = None

    @classmethod
    def of(
        cls,
        name: str,
        body: bytes,
        *,
        requires: tuple[str, ...] = (),
        origins: tuple[Hashable, ...] = (),
        prelude: "Resource | None" = None,
    ) -> "Resource":
        """Make a resource whose version is the hash of its body."""
        return cls(name, body, version_of(body), requires, origins, prelude)


def version_of(body: bytes) -> str:
    """Hash a body into a version of 64 bits: 10^6 versions collide with a chance of 10^-8."""
    return blake2b(body, digest_size=8).hexdigest()


Update: TypeAlias = Mapping[TypeUrl, Mapping[str, Resource | None]]
"""What changed, by type and name; `None` means that the resource is removed."""
