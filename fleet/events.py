"""What a source says: objects that came, went or could not be read, and how its origins do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias

from fleet.models import FleetObject
from fleet.outage import Outage
from fleet.pod_addresses import PodAddresses
from fleet.problem import Problem
from fleet.ref import Ref


@dataclass(frozen=True, slots=True)
class Upserted:
    """The object is now this; `problems` are the parts of it that had to be left out."""

    ref: Ref
    value: FleetObject
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """What is declared under this name cannot be read; the last good version stays in force.

    Refs of kind `File` stand for a manifest file that does not parse; no `problems` means that an
    earlier complaint is settled without a new object. `generation` is which version of the object
    that is, as the API server counts, 0 where nobody does.
    """

    ref: Ref
    problems: tuple[Problem, ...]
    generation: int = 0


@dataclass(frozen=True, slots=True)
class Deleted:
    """The object is gone, and so are the complaints about it."""

    ref: Ref


@dataclass(frozen=True, slots=True)
class Listed:
    """Everything that the origin holds has been said, and it can be reached."""

    origin: str


@dataclass(frozen=True, slots=True)
class Unreachable:
    """The origin cannot be read now; what it held stays in force.

    `since` is when it was last known to hold that, where it was lost before this process began.
    `outage` is the class of the reason that `message` tells.
    """

    origin: str
    message: str
    since: datetime | None = None
    outage: Outage = Outage.OTHER


@dataclass(frozen=True, slots=True)
class Members:
    """The source reads these members now, whether or not they can be reached.

    Any other member is gone, with all that it held. A source whose members are never removed need
    not say it. `unattached` are members that it knows how to reach, and need not read.
    """

    ids: frozenset[str]
    unattached: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Confined:
    """Endpoints of the member may have these addresses; of one that is not heard of, the usual."""

    origin: str
    addresses: PodAddresses


Event: TypeAlias = Upserted | Refused | Deleted | Listed | Unreachable | Members | Confined
Emit: TypeAlias = Callable[[Sequence[Event]], None]


class Source(Protocol):
    """Where objects come from. One source may speak for several origins."""

    async def run(self, emit: Emit) -> None:
        """Say everything, then every change, until cancelled."""
        ...

    async def refresh(self) -> None:
        """Return when all that was declared at the time of the call has been emitted."""
        ...
