"""The declared state of a fleet: tables of all objects, problems and origins, by the events.

One writer applies events, and `apply` gives what differs from before as `Changes`. A mistake loses
nothing: a refused object keeps its last good version, and an origin that cannot be reached keeps
all objects that it held.
"""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import TypeVar, cast

from fleet.events import (
    Awaited,
    Configured,
    Deleted,
    Event,
    Listed,
    Members,
    Refused,
    Unreachable,
    Upserted,
)
from fleet.member_settings import MemberSettings
from fleet.models import FleetObject, Model
from fleet.outage import Outage
from fleet.problem import Problem
from fleet.ref import HUB, Ref

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class Origin:
    """The state of the hub or of a member.

    `listed` is whether it has ever emitted all of its objects. If it is not `reachable`, `message`,
    `since` and `outage` say why and since when.
    """

    listed: bool = False
    reachable: bool = True
    message: str = ""
    since: datetime | None = None
    outage: Outage = Outage.OTHER


@dataclass(frozen=True, slots=True)
class Changes:
    """The keys of rows that differ after `apply`: objects by class, problems, and origins.

    `awaited` are objects whose reading has begun or has ended.
    """

    objects: Mapping[type[Model], frozenset[Ref]] = field(default_factory=dict)
    problems: frozenset[Ref] = frozenset()
    origins: frozenset[str] = frozenset()
    awaited: frozenset[Ref] = frozenset()


class FleetState:
    """Tables of objects, problems and origins.

    Only with a clock is it noted since when an origin is lost. `unattached` are the known members
    that are not read, since no gateway is attached to them.
    """

    def __init__(self, clock: Callable[[], datetime] | None = None) -> None:
        self._clock = clock
        self._tables: dict[type[Model], dict[Ref, FleetObject]] = {}
        self._models: dict[Ref, type[Model]] = {}
        self._problems: dict[Ref, tuple[Problem, ...]] = {}
        self._refused: dict[Ref, int] = {}
        self._awaited: set[Ref] = set()
        self._origins: dict[str, Origin] = {}
        self._settings: dict[str, MemberSettings] = {}
        self.unattached: frozenset[str] = frozenset()

    def table(self, model: type[M]) -> Mapping[Ref, M]:
        """The objects of one class; a live view."""
        return cast("Mapping[Ref, M]", MappingProxyType(self._tables.setdefault(model, {})))

    @property
    def problems(self) -> Mapping[Ref, tuple[Problem, ...]]:
        """The problems that sources found in objects and files; a live view."""
        return MappingProxyType(self._problems)

    @property
    def refused(self) -> Set[Ref]:
        """Objects and files whose present version cannot be read; a live view."""
        return self._refused.keys()

    def refused_generation(self, ref: Ref) -> int:
        """The `metadata.generation` of an object's refused version, 0 if there is none."""
        return self._refused.get(ref, 0)

    @property
    def awaited(self) -> Set[Ref]:
        """Objects that are about to be read; a live view."""
        return self._awaited

    @property
    def origins(self) -> Mapping[str, Origin]:
        """The states of the hub and of members, as far as events have named them; a live view."""
        return MappingProxyType(self._origins)

    @property
    def settings(self) -> Mapping[str, MemberSettings]:
        """The settings of members with a Configured event; a live view."""
        return MappingProxyType(self._settings)

    def apply(self, events: Sequence[Event]) -> Changes:
        """Apply events in their order. An object that stays equal is no change.

        The cost is O(events). `Members` costs O(objects).
        """
        before: dict[Ref, FleetObject | None] = {}
        problems: set[Ref] = set()
        origins: set[str] = set()
        awaited: dict[Ref, bool] = {}
        for event in events:
            match event:
                case Upserted(ref, value, complaints):
                    self._await(ref, awaited, now=False)
                    before.setdefault(ref, self._get(ref))
                    self._put(ref, value)
                    self._refused.pop(ref, None)
                    problems |= self._complain(ref, complaints)
                case Refused(ref, complaints, generation):
                    self._await(ref, awaited, now=False)
                    problems |= self._refuse(ref, generation if complaints else None)
                    problems |= self._complain(ref, complaints)
                case Deleted(ref):
                    self._await(ref, awaited, now=False)
                    before.setdefault(ref, self._get(ref))
                    problems |= self._forget(ref)
                case Awaited(ref):
                    self._await(ref, awaited, now=True)
                case Listed() | Unreachable() | Configured():
                    origins |= self._hear(event)
                case Members(ids, unattached):
                    self.unattached = unattached
                    for ref in self._strangers(ids):
                        before.setdefault(ref, self._get(ref))
                        problems |= self._forget(ref)
                    origins |= self._leave(ids)
                    for new in sorted(ids - self._origins.keys()):
                        origins |= self._mark(new, Origin())
        return Changes(
            self._differences(before),
            frozenset(problems),
            frozenset(origins),
            frozenset(ref for ref, was in awaited.items() if was != (ref in self._awaited)),
        )

    def _await(self, ref: Ref, before: dict[Ref, bool], *, now: bool) -> None:
        """Note whether an object is awaited `now`, and in `before` whether it was so at first."""
        was = ref in self._awaited
        if was != now:
            before.setdefault(ref, was)
            (self._awaited.add if now else self._awaited.discard)(ref)

    def _hear(self, event: Listed | Unreachable | Configured) -> set[str]:
        """Apply an event about an origin, and give the origin if its row differs."""
        match event:
            case Listed(origin):
                return self._mark(origin, Origin(listed=True))
            case Unreachable(origin):
                return self._mark(origin, self._lost(event))
            case Configured(origin, settings):
                known, self._settings[origin] = self._settings.get(origin), settings
                return {origin} if known != settings else set()

    def _lost(self, event: Unreachable) -> Origin:
        known, since = self._origins.get(event.origin, Origin()), event.since
        if not known.reachable:
            since = known.since
        elif since is None and self._clock is not None:
            since = self._clock()
        return Origin(
            known.listed,
            reachable=False,
            message=event.message,
            since=since,
            outage=event.outage,
        )

    def _strangers(self, ids: Set[str]) -> list[Ref]:
        """The rows of members that are not among these. O(objects)."""
        known = self._models.keys() | self._problems.keys() | self._refused.keys()
        return [ref for ref in known if ref.origin != HUB and ref.origin not in ids]

    def _leave(self, ids: Set[str]) -> set[str]:
        gone = self._origins.keys() - ids - {HUB}
        for name in gone:
            del self._origins[name]
        for name in self._settings.keys() - ids:
            del self._settings[name]
        return gone

    def _forget(self, ref: Ref) -> set[Ref]:
        self._drop(ref)
        self._refused.pop(ref, None)
        return self._complain(ref, ())

    def _refuse(self, ref: Ref, generation: int | None) -> set[Ref]:
        """Note the generation of an object's refused version; None if no version is refused."""
        if self._refused.get(ref) == generation:
            return set()
        if generation is None:
            del self._refused[ref]
        else:
            self._refused[ref] = generation
        return {ref}

    def _get(self, ref: Ref) -> FleetObject | None:
        model = self._models.get(ref)
        return self._tables[model].get(ref) if model else None

    def _put(self, ref: Ref, value: FleetObject) -> None:
        self._models[ref] = type(value)
        self._tables.setdefault(type(value), {})[ref] = value

    def _drop(self, ref: Ref) -> None:
        if (model := self._models.pop(ref, None)) is not None:
            del self._tables[model][ref]

    def _complain(self, ref: Ref, complaints: tuple[Problem, ...]) -> set[Ref]:
        if self._problems.get(ref, ()) == complaints:
            return set()
        if complaints:
            self._problems[ref] = complaints
        else:
            del self._problems[ref]
        return {ref}

    def _mark(self, name: str, origin: Origin) -> set[str]:
        if self._origins.get(name) == origin:
            return set()
        self._origins[name] = origin
        return {name}

    def _differences(
        self, before: Mapping[Ref, FleetObject | None]
    ) -> dict[type[Model], frozenset[Ref]]:
        changed: dict[type[Model], set[Ref]] = {}
        for ref, old in before.items():
            new = self._get(ref)
            if new != old:
                model = type(new if new is not None else old)
                changed.setdefault(cast("type[Model]", model), set()).add(ref)
        return {model: frozenset(refs) for model, refs in changed.items()}
