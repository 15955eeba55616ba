"""What others may know of the streams: frozen values, made when asked for."""

from collections.abc import Mapping
from dataclasses import dataclass

from xds.resource import TypeUrl


@dataclass(frozen=True, slots=True)
class TypeView:
    """One type on one stream.

    `names` counts explicit subscriptions, `acknowledged` the resources that the client has
    accepted, `pending` those to be sent or acknowledged. `error` is why the client rejects what is
    declared now, or has rejected the last response.
    """

    wildcard: bool
    names: int
    acknowledged: int
    pending: int
    error: str | None


@dataclass(frozen=True, slots=True)
class ClientView:
    """One connected client; `version` is its software as it says, `protocol` delta or sotw.

    One that `waits` is told nothing until its group is published.
    """

    node_id: str
    group: str
    version: str
    protocol: str
    waits: bool
    types: Mapping[TypeUrl, TypeView]


@dataclass(frozen=True, slots=True)
class Backlog:
    """What one stream has still to send or to hear of, by type; costs O(that) to make."""

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
    """What was sent of one type, over all streams since the start; bytes are of whole responses.

    `acknowledged` and `rejected` count responses.
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
