"""A source that holds what it is given: for tests, and for programs that embed fleetgate."""

import asyncio
from collections.abc import Iterable
from typing import Final

from fleet.events import Emit, Event, Listed, Refused, Unreachable, Upserted
from fleet.kinds import Kinds
from fleet.models import FleetObject
from fleet.parse import FILE, Unused, objects_in, parse
from fleet.ref import HUB, Ref
from fleet.references import SecretUse
from fleet.sources.said import Said

_NOWHERE: Final = "memory"


class MemorySource:
    """Objects and members set by calls; what is set before `run` is said when it starts.

    While a member is lost, what is put there and removed from there is not seen, as with an API
    server that cannot be reached; `attach` makes up for it. Call it from the event loop's thread.
    """

    def __init__(self, kinds: Kinds) -> None:
        self._kinds = kinds
        self._declared: dict[Ref, Upserted | Refused] = {}
        self._standing: dict[str, Listed | Unreachable] = {HUB: Listed(HUB)}
        self._said = Said()
        self._secrets = SecretUse()
        self._emit: Emit | None = None
        self._running = asyncio.Event()

    def put(self, *objects: object, origin: str = HUB) -> None:
        """Declare objects, as manifests or as models; a `List` stands for its items.

        Raises ValueError for a manifest that does not say which object it is.
        """
        touched = []
        for thing in objects:
            for found in self._read(thing, origin):
                self._declared[found.ref] = found
                touched.append(found.ref)
        self._say(touched)

    def remove(self, *refs: Ref) -> None:
        """Take objects away; one that is not there is taken away already."""
        for ref in refs:
            self._declared.pop(ref, None)
        self._say(refs)

    def attach(self, *members: str) -> None:
        """Say that the members can be reached, and what they hold."""
        for member in members:
            self._standing[member] = Listed(member)
            self._say([ref for ref in self._known() if ref.origin == member], Listed(member))

    def lose(self, member: str, message: str) -> None:
        """Say that a member cannot be reached."""
        self._standing[member] = Unreachable(member, message)
        self._say([], Unreachable(member, message))

    async def run(self, emit: Emit) -> None:
        """Say everything, then every change, until cancelled. Runs once."""
        self._emit = emit
        self._say(self._known(), *self._standing.values())
        self._running.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self._emit = None
            self._running.clear()

    async def refresh(self) -> None:
        """Return at once when `run` runs: every call emits what it changes."""
        await self._running.wait()

    def _known(self) -> list[Ref]:
        return sorted(self._declared.keys() | self._said.refs)

    def _say(self, refs: Iterable[Ref], *standing: Event) -> None:
        if self._emit is None:
            return
        events: list[Event] = []
        secrets: set[Ref] = set()
        for ref in refs:
            if not isinstance(self._standing.get(ref.origin), Listed):
                continue
            if ref.kind == "Secret":
                secrets.add(ref)
            elif event := self._said.say(ref, self._declared.get(ref)):
                events.append(event)
                secrets |= self._secrets.note(event)
        for ref in sorted(secrets):
            needed = self._declared.get(ref) if ref in self._secrets else None
            if event := self._said.say(ref, needed):
                events.append(event)
        if events or standing:
            self._emit([*events, *standing])

    def _read(self, thing: object, origin: str) -> Iterable[Upserted | Refused]:
        if isinstance(thing, FleetObject):
            kind = self._kinds[type(thing).__name__]
            namespace = thing.metadata.namespace or "default" if kind.namespaced else ""
            metadata = thing.metadata.model_copy(update={"namespace": namespace})
            value = thing.model_copy(update={"metadata": metadata})
            return [Upserted(Ref(origin, kind.name, namespace, metadata.name), value)]
        manifests = objects_in(thing, self._kinds)
        found = [parse(manifest, origin, _NOWHERE, self._kinds) for manifest in manifests]
        for result in found:
            if isinstance(result, Refused) and result.ref.kind == FILE:
                raise ValueError(result.problems[0].message)
        return [result for result in found if not isinstance(result, Unused)]
