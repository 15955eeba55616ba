"""What the hub shows of statuses: read once, then watched, so that nobody changes one unseen."""

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
"""Under this name `managedFields` says which statuses are of our making."""


@dataclass(frozen=True, slots=True)
class Shown:
    """An object's status: whether fleetgate wrote any of it, and who else wrote it last.

    `version` grows with each change of the object; one that was made anew has another `uid`.
    """

    uid: str
    status: Json
    ours: bool
    others: str
    version: int


def shown(manifest: Json) -> Shown:
    """What an object shows."""
    metadata = manifest["metadata"]
    writers = {
        field["manager"]: field.get("time", "")
        for field in metadata.get("managedFields", ())
        if field.get("subresource") == "status"
    }
    others = [name for name in writers if name != FIELD_MANAGER]
    return Shown(
        metadata["uid"],
        manifest.get("status", {}),
        FIELD_MANAGER in writers,
        max(others, key=lambda name: writers[name], default=""),
        # Numbers that grow, by Kubernetes' own word since 1.35 and in fact since etcd keeps them.
        int(metadata["resourceVersion"]),
    )


@dataclass(frozen=True, slots=True)
class Statuses:
    """The objects of a kind, as far as a reflector asks for them."""

    kind: Kind

    @property
    def path(self) -> str:
        """Where lists and watches are asked for."""
        return self.kind.path_in()

    @property
    def query(self) -> list[tuple[str, str]]:
        """All of them."""
        return []

    def __str__(self) -> str:
        return f"{self.kind.plural} for their statuses"


class StatusContent:
    """What is shown of a kind; `on_change` hears of each object that shows something else."""

    def __init__(self, collection: Statuses, on_change: Callable[[Ref], None]) -> None:
        self._collection = collection
        self._on_change = on_change
        self._shown: dict[Ref, Shown] = {}

    @property
    def is_empty(self) -> bool:
        """Whether there is none."""
        return not self._shown

    def get(self, ref: Ref) -> Shown | None:
        """What an object shows; None for one that is not there, or not known yet."""
        return self._shown.get(ref)

    async def load(self, server: ApiServer) -> str:
        """Read all of them. Raises Refusal and Unreached.

        A list overrules what is known, but for what the hub has answered since: a hub that was
        restored from a backup counts from a lower version.
        """
        before = dict(self._shown)
        listing = await list_all(server, self._collection, self._read)
        answered = {ref: now for ref, now in self._shown.items() if now is not before.get(ref)}
        found = dict(listing.items)
        found |= {
            ref: now
            for ref, now in answered.items()
            if ref not in found or now.version > found[ref].version
        }
        self._shown = found
        for ref in before.keys() | found.keys():
            if found.get(ref) != before.get(ref):
                self._on_change(ref)
        return listing.position

    def change(self, change: Change) -> None:
        """Take in what has become of one object."""
        ref, now = self._read(change.value)
        known = self._shown.get(ref)
        if known is not None and known.version >= now.version:
            return
        if change.type is ChangeType.DELETED:
            self._shown.pop(ref, None)
        else:
            self._shown[ref] = now
        self._on_change(ref)

    def take(self, ref: Ref, now: Shown | None) -> None:
        """Take in what the hub has answered: None where the object is gone."""
        known = self._shown.get(ref)
        if now is None:
            self._shown.pop(ref, None)
        elif known is None or known.version < now.version:
            self._shown[ref] = now

    def _read(self, item: Json) -> tuple[Ref, Shown]:
        metadata = item["metadata"]
        ref = Ref(HUB, self._collection.kind.name, metadata.get("namespace", ""), metadata["name"])
        return ref, shown(item)
