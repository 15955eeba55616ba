"""What can be seen of streams from outside: frozen values that are made when they are asked for."""

from collections.abc import Mapping
from dataclasses import dataclass

from xds.resource import TypeUrl


@dataclass(frozen=True, slots=True)
class TypeView:
    """One type on one stream.

    `names` counts the names that the client is subscribed to, `acknowledged` the resources that it
    has accepted, `pending` those that wait to be sent or acknowledged. `error` is why the client
    rejects what is declared now, or has rejected the last response.
    """

    wildcard: bool
    names: int
    acknowledged: int
    pending: int
    error: str | None


@dataclass(frozen=True, slots=True)
class ClientView:
    """One connected client.

    `version` is its software as the client says, `protocol` is delta or sotw. A client that `waits`
    is told nothing until its group is published.
    """

    node_id: str
    group: str
    version: str
    protocol: str
    waits: bool
    types: Mapping[TypeUrl, TypeView]


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many resources of one stream wait to be sent or acknowledged, by type."""

    group: str
    protocol: str
    pending: Mapping[TypeUrl, int]


@dataclass(frozen=True, slots=True)
class Unacknowledged:
    """A resource that a connected client has not acknowledged as it is declared, and why."""

    node_id: str
    type_url: TypeUrl
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Traffic:
    """What was sent of one type, over all streams since the start.

    `bytes` are those of whole responses. `acknowledged` and `rejected` count responses.
    """

    messages: int = 0
    resources: int = 0
    bytes: int = 0
    acknowledged: int = 0
    rejected: int = 0

    def __add__(self, more: "Traffic") -> "Traffic":
        return Traffic(
            self.messages + more.messages,
            self.resources + more.resources,
            self.bytes + more.bytes,
            self.acknowledged + more.acknowledged,
            self.rejected + more.rejected,
        )
