"""A source whose objects are set by calls: for tests, and for programs that embed fleetgate."""

import asyncio
from collections.abc import Iterable
from typing import Final

from fleet.events import Emit, Event, Listed, Refused, Unreachable, Upserted
from fleet.kinds import Kinds
from fleet.models import FleetObject
from fleet.parse import FILE, Unused, objects_in, parse
from fleet.ref import HUB, Ref
from fleet.references import SecretUse
from fleet.sources.emitted import Emitted

_NOWHERE: Final = "memory"


class MemorySource:
    """A source of objects in memory.

    Objects that are set before `run` are emitted when it starts. Changes of a member that is lost
    are emitted once `attach` has found it again, as with an API server that cannot be reached.
    Call all methods from the event loop's thread.
    """

    def __init__(self, kinds: Kinds) -> None:
        self._kinds = kinds
        self._declared: dict[Ref, Upserted | Refused] = {}
        self._states: dict[str, Listed | Unreachable] = {HUB: Listed(HUB)}
        self._emitted = Emitted()
        self._secrets = SecretUse()
        self._emit: Emit | None = None
        self._running = asyncio.Event()

    def put(self, *objects: object, origin: str = HUB) -> None:
        """Declare objects, as manifests or as models; a `List` stands for its items.

        Raises ValueError for a manifest without a valid kind or name.
        """
        touched = []
        for thing in objects:
            for outcome in self._read(thing, origin):
                self._declared[outcome.ref] = outcome
                touched.append(outcome.ref)
        self._emit_changes(touched)

    def remove(self, *refs: Ref) -> None:
        """Remove objects; removing one that does not exist is no error."""
        for ref in refs:
            self._declared.pop(ref, None)
        self._emit_changes(refs)

    def attach(self, *members: str) -> None:
        """Emit that the members can be reached, and their objects."""
        for member in members:
            self._states[member] = Listed(member)
            self._emit_changes(
                [ref for ref in self._known() if ref.origin == member], Listed(member)
            )

    def lose(self, member: str, message: str) -> None:
        """Emit that a member cannot be reached."""
        self._states[member] = Unreachable(member, message)
        self._emit_changes([], Unreachable(member, message))

    async def run(self, emit: Emit) -> None:
        """Emit every object, then every change, until cancelled. Runs once."""
        self._emit = emit
        self._emit_changes(self._known(), *self._states.values())
        self._running.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self._emit = None
            self._running.clear()

    async def refresh(self) -> None:
        """Wait for `run` to run. Every call emits its changes at once, so nothing else is due."""
        await self._running.wait()

    def _known(self) -> list[Ref]:
        return sorted(self._declared.keys() | self._emitted.refs)

    def _emit_changes(self, refs: Iterable[Ref], *states: Event) -> None:
        if self._emit is None:
            return
        events: list[Event] = []
        secrets: set[Ref] = set()
        for ref in refs:
            if not isinstance(self._states.get(ref.origin), Listed):
                continue
            if ref.kind == "Secret":
                secrets.add(ref)
            elif event := self._emitted.update(ref, self._declared.get(ref)):
                events.append(event)
                secrets |= self._secrets.note(event)
        for ref in sorted(secrets):
            needed = self._declared.get(ref) if ref in self._secrets else None
            if event := self._emitted.update(ref, needed):
                events.append(event)
        if events or states:
            self._emit([*events, *states])

    def _read(self, thing: object, origin: str) -> Iterable[Upserted | Refused]:
        if isinstance(thing, FleetObject):
            kind = self._kinds[type(thing).__name__]
            namespace = thing.metadata.namespace or "default" if kind.namespaced else ""
            metadata = thing.metadata.model_copy(update={"namespace": namespace})
            value = thing.model_copy(update={"metadata": metadata})
            return [Upserted(Ref(origin, kind.name, namespace, metadata.name), value)]
        manifests = objects_in(thing, self._kinds)
        results = [parse(manifest, origin, _NOWHERE, self._kinds) for manifest in manifests]
        for result in results:
            if isinstance(result, Refused) and result.ref.kind == FILE:
                raise ValueError(result.problems[0].message)
        return [result for result in results if not isinstance(result, Unused)]
