"""The events that a source emits, about objects and about the origins that hold them.

An origin is the hub or a member.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias

from fleet.member_settings import MemberSettings
from fleet.models import FleetObject
from fleet.outage import Outage
from fleet.problem import Problem
from fleet.ref import Ref


@dataclass(frozen=True, slots=True)
class Upserted:
    """An object has come or has changed. `problems` says which parts of it had to be left out."""

    ref: Ref
    value: FleetObject
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """The present version of an object cannot be read; the last good version stays in force.

    A Ref of kind `File` stands for a manifest file that does not parse. Without `problems`, the
    event withdraws an earlier Refused. `generation` is the object's `metadata.generation`, and 0 if
    it has none.
    """

    ref: Ref
    problems: tuple[Problem, ...]
    generation: int = 0


@dataclass(frozen=True, slots=True)
class Deleted:
    """An object is gone, and its problems with it."""

    ref: Ref


@dataclass(frozen=True, slots=True)
class Awaited:
    """An object is about to be read: nobody knows yet whether it exists.

    The next Upserted, Refused or Deleted of the object ends this.
    """

    ref: Ref


@dataclass(frozen=True, slots=True)
class Listed:
    """The origin can be reached, and every object that it holds has been emitted."""

    origin: str


@dataclass(frozen=True, slots=True)
class Unreachable:
    """The origin cannot be read; the objects that it held stay in force.

    `message` is the reason, `outage` its class. `since` is set if the origin was not read since
    this process began: it is when an earlier process last knew these objects to be current.
    """

    origin: str
    message: str
    since: datetime | None = None
    outage: Outage = Outage.OTHER


@dataclass(frozen=True, slots=True)
class Members:
    """The source reads these members, whether or not they can be reached.

    Every other member is gone, with all objects that it held. A source whose members are never
    removed need not emit this. `unattached` are members that the source could reach and does not
    read, since no gateway is attached to them.
    """

    ids: frozenset[str]
    unattached: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Configured:
    """The member has these settings. Without this event, it has those of `MemberSettings()`."""

    origin: str
    settings: MemberSettings


Event: TypeAlias = (
    Upserted | Refused | Deleted | Awaited | Listed | Unreachable | Members | Configured
)
Emit: TypeAlias = Callable[[Sequence[Event]], None]


class Source(Protocol):
    """Emits the objects of one or several origins."""

    async def run(self, emit: Emit) -> None:
        """Emit every object, then every change, until cancelled."""
        ...

    async def refresh(self) -> None:
        """Return when all that was declared at the time of the call has been emitted."""
        ...
