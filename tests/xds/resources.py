"""Resources for dialogues: protobuf messages of a type of their own, with these fields:

1: name    14: each Cluster that it refers to    15: version    5: an inline table, as in a scope
"""

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from xds import wire
from xds.resource import Resource, TypeUrl, Update

CLUSTER, ENDPOINT, LISTENER = TypeUrl.CLUSTER, TypeUrl.ENDPOINT, TypeUrl.LISTENER
ROUTE, VIRTUAL_HOST, SECRET = TypeUrl.ROUTE, TypeUrl.VIRTUAL_HOST, TypeUrl.SECRET
SCOPE = TypeUrl.SCOPED_ROUTE

Declared: TypeAlias = Mapping[str, str | Resource | None]


def resource(
    name: str, version: str = "1", *, to: tuple[str, ...] = (), requires: tuple[str, ...] = ()
) -> Resource:
    """A resource whose body has its name, its version, and the Clusters that it leads `to`."""
    body = wire.field(1, name.encode()) + wire.field(5, b"")
    body += b"".join(wire.field(14, cluster.encode()) for cluster in to)
    body += wire.field(15, version.encode())
    return Resource(name, body, version, requires, origins=(f"origin of {name}",))


def eds_cluster(name: str, version: str = "1") -> Resource:
    """A Cluster that warms until the ClusterLoadAssignment of its name comes."""
    return resource(name, version, requires=(name,))


def update(types: Mapping[TypeUrl, Declared]) -> Update:
    """An update from names with a version, with a resource, or with None for a removal."""
    return {
        type_url: {
            name: resource(name, value) if isinstance(value, str) else value
            for name, value in named.items()
        }
        for type_url, named in types.items()
    }


def fields(body: bytes) -> Iterator[tuple[int, bytes]]:
    """The fields of a message that has only short byte strings."""
    at = 0
    while at < len(body):
        number, length = body[at] >> 3, body[at + 1]
        at += 2
        if number >= 16:  # the key of such a field has two bytes
            number, length = 16, body[at]
            at += 1
        yield number, body[at : at + length]
        at += length


def name_in(body: bytes) -> str:
    """The name in a body."""
    return next(value.decode() for number, value in fields(body) if number == 1)


def version_in(body: bytes) -> str:
    """The version in a body."""
    return next(value.decode() for number, value in fields(body) if number == 15)


def clusters_in(body: bytes) -> frozenset[str]:
    """The Clusters that a body leads to."""
    return frozenset(value.decode() for number, value in fields(body) if number == 14)
