"""The statuses that objects have on the hub: listed once, then watched.

So it is noticed when another client changes a status.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from fleet.kinds import Kind
from fleet.kubernetes.collection import list_all
from fleet.kubernetes.connection import ApiServer
from fleet.kubernetes.watch import Change, ChangeType
from fleet.ref import HUB, Ref

log = logging.getLogger(__name__)

Json: TypeAlias = Any  # as an API server has it

FIELD_MANAGER: Final = "fleetgate"
"""The name by which `managedFields` tells which statuses fleetgate has written."""


@dataclass(frozen=True, slots=True)
class LiveStatus:
    """An object's status on the hub.

    `ours` is whether fleetgate has written any of it. `others` is the field manager of the last
    other client that has, or "". `version` grows with each change of the object. An object that was
    deleted and made again has another `uid`.
    """

    uid: str
    status: Json
    ours: bool
    others: str
    version: int


def live_status(manifest: Json) -> LiveStatus:
    """The status in an object's manifest."""
    metadata = manifest["metadata"]
    writers = {
        field["manager"]: field.get("time", "")
        for field in metadata.get("managedFields", ())
        if field.get("subresource") == "status"
    }
    others = [name for name in writers if name != FIELD_MANAGER]
    return LiveStatus(
        metadata["uid"],
        manifest.get("status", {}),
        FIELD_MANAGER in writers,
        max(others, key=lambda name: writers[name], default=""),
        # Kubernetes documents since 1.35 that these are numbers that grow. With etcd they always
        # have been.
        int(metadata["resourceVersion"]),
    )


@dataclass(frozen=True, slots=True)
class StatusCollection:
    """All objects of a kind, as a collection for a reflector."""

    kind: Kind

    @property
    def path(self) -> str:
        """The path of lists and watches."""
        return self.kind.path_in()

    @property
    def query(self) -> list[tuple[str, str]]:
        """No parameters, since all objects are selected."""
        return []

    def __str__(self) -> str:
        return f"{self.kind.plural} for their statuses"


class StatusContent:
    """The statuses of a kind. `on_change` is called for each object whose status has changed."""

    def __init__(self, collection: StatusCollection, on_change: Callable[[Ref], None]) -> None:
        self._collection = collection
        self._on_change = on_change
        self._live: dict[Ref, LiveStatus] = {}

    @property
    def is_empty(self) -> bool:
        """Whether there is no object of the kind."""
        return not self._live

    def get(self, ref: Ref) -> LiveStatus | None:
        """The status of an object; None if it does not exist or is not known yet."""
        return self._live.get(ref)

    async def load(self, server: ApiServer) -> str:
        """Read all statuses. Raises Refusal and Unreached.

        A list replaces the known statuses, even by lower versions, since a hub that was restored
        from a backup counts from a lower version. Only the answers to writes during the list are
        compared by version.
        """
        before = dict(self._live)
        listing = await list_all(server, self._collection, self._read)
        answered = {ref: now for ref, now in self._live.items() if now is not before.get(ref)}
        merged = dict(listing.items)
        merged |= {
            ref: now
            for ref, now in answered.items()
            if ref not in merged or now.version > merged[ref].version
        }
        self._live = merged
        for ref in before.keys() | merged.keys():
            if merged.get(ref) != before.get(ref):
                self._on_change(ref)
        return listing.position

    def change(self, change: Change) -> None:
        """Take in a change of one object."""
        ref, now = self._read(change.value)
        known = self._live.get(ref)
        if known is not None and known.version >= now.version:
            return
        if change.type is ChangeType.DELETED:
            self._live.pop(ref, None)
        else:
            self._live[ref] = now
        self._on_change(ref)

    def take(self, ref: Ref, now: LiveStatus | None) -> None:
        """Take in the status in the hub's answer to a request; None if the object is gone."""
        known = self._live.get(ref)
        if now is None:
            self._live.pop(ref, None)
        elif known is None or known.version < now.version:
            self._live[ref] = now

    def _read(self, item: Json) -> tuple[Ref, LiveStatus]:
        metadata = item["metadata"]
        ref = Ref(HUB, self._collection.kind.name, metadata.get("namespace", ""), metadata["name"])
        return ref, live_status(item)
