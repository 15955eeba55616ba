"""All problems of a fleet, from wherever they were found, for `check`, `status` and the log."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from fleet.outage import Outage
from fleet.problem import Problem, Severity, in_order
from fleet.ref import HUB, Ref
from fleet.state import FleetState, Origin
from fleetgate.core.ration import Ration
from translators.dialects.dialect import Dialects
from translators.graph.tables import Tables
from translators.model.binds import Bind
from xds.cache import SnapshotCache
from xds.quarantine import Rejection
from xds.quoted import MESSAGE, cut, quoted

UNREACHABLE: Final = "Unreachable"
"""The reason of the one problem that an origin can have."""

_UNDECLARED: Final = 20
"""Gateways that are not declared and are told of one by one: Envoys may name any number."""


def all_problems(
    state: FleetState, tables: Tables, more: Iterable[Problem] = ()
) -> tuple[Problem, ...]:
    """Every problem known now, those that they follow from, and `more`, sorted by object.

    O(problems, members and gateways).
    """
    found = set(_found(state, tables))
    return in_order({*found, *(cause for problem in found for cause in problem.because), *more})


def _found(state: FleetState, tables: Tables) -> Iterator[Problem]:
    for problems in state.problems.values():
        yield from problems
    for name, origin in state.origins.items():
        if not origin.reachable:
            yield Problem(_place_of(name), UNREACHABLE, "", origin.message, "to reach it")
    yield from tables.statuses.problems()


def outages(state: FleetState) -> dict[Ref, Outage]:
    """The class of the reason of each outage, by what its problem is at. O(members)."""
    return {_place_of(name): o.outage for name, o in state.origins.items() if not o.reachable}


def _place_of(origin: str) -> Ref:
    return Ref(HUB, "Member", "", origin) if origin else Ref(HUB, "Hub", "", "hub")


def misshapen(state: FleetState, dialects: Dialects, bind: Bind) -> Iterator[Problem]:
    """What gateways say of Envoys that fleetgate runs for them, and cannot be read."""
    for ref, config in dialects.gateways_in(state).items():
        yield from dialects.shape(ref, config, bind).problems


def unread(state: FleetState, dialects: Dialects) -> list[str]:
    """A sentence on each origin that counts and is not read now: the hub, and attached members.

    O(gateways and members).
    """
    gateways = dialects.gateways_in(state).values()
    count = {HUB, *(member for each in gateways for member in dialects.kinds.attached(each))}
    return [
        f"{f'member {name}' if name else 'the hub'} {_why(origin)}"
        for name, origin in sorted(state.origins.items())
        if name in count and not (origin.listed and origin.reachable)
    ]


def _why(origin: Origin) -> str:
    return "has not been read yet" if origin.reachable else f"cannot be read: {origin.message}"


def rejections(gateway: Ref, found: Iterable[Rejection]) -> Iterator[Problem]:
    """What Envoy refused of a gateway's resources, on the objects that the resource was made from.

    Everything that Envoy could refuse is checked before; this is the net below.
    """
    for rejection in found:
        for origin in rejection.origins or (gateway,):
            if isinstance(origin, Ref):
                yield Problem(
                    origin,
                    "RejectedByEnvoy",
                    "",
                    rejection.name,
                    f"a resource that Envoy accepts: {cut(rejection.message, MESSAGE)}",
                    "Envoy keeps the last version that it accepted",
                )


class Refusals:
    """What Envoys refuse now, looked through again only where that has changed."""

    def __init__(self, cache: SnapshotCache, dialects: Dialects) -> None:
        self._cache = cache
        self._dialects = dialects
        self._seen: dict[Ref, tuple[object, frozenset[Problem]]] = {}

    def of(self, gateways: Iterable[Ref]) -> frozenset[Problem]:
        """What Envoys of these gateways refuse. O(gateways), and what has changed of one."""
        found: dict[Ref, tuple[object, frozenset[Problem]]] = {}
        for ref in gateways:
            now = self._cache.rejections(self._dialects.name_of(ref))
            before = self._seen.get(ref)
            same = before is not None and before[0] is now
            found[ref] = before if same and before else (now, frozenset(rejections(ref, now)))
        self._seen = found
        return frozenset().union(*(problems for _, problems in found.values()))


def waiting(cache: SnapshotCache, dialects: Dialects) -> Iterator[Problem]:
    """Envoys that ask for a gateway that nobody declares; one for each such gateway."""
    groups = sorted(cache.waiting().items())
    for group, nodes in groups[:_UNDECLARED]:
        first, more = min(nodes), len(nodes) - 1
        yield Problem(
            Ref(HUB, "Envoy", "", quoted(first)),
            "GatewayNotDeclared",
            "node.cluster",
            cut(group),
            f"the name of a gateway that is declared, such as {dialects.shapes}",
            f"it is told nothing until then{f', as are {more} more' if more else ''}",
        )
    if len(groups) > _UNDECLARED:
        yield Problem(
            Ref(HUB, "Envoy", "", "..."),
            "GatewayNotDeclared",
            "node.cluster",
            "",
            "the names of gateways that are declared",
            f"Envoys of {len(groups) - _UNDECLARED} more names are told nothing until then",
        )


class ProblemLog:
    """Logs each problem once when it comes, and once when it is settled.

    An outage of an origin is one line for each class of reason that is found while it lasts, and
    its end another one that is seen as well. Other words for the same, and what follows from a
    problem of another object, are only for who looks. An object whose problems come and go has a
    ration of lines; `run` tells what was left out.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._shown: frozenset[Problem] = frozenset()
        self._by_object: dict[Ref, Counter[str]] | None = None
        self._told: dict[Ref, set[Outage]] = {}
        self._ration = Ration(clock, self._reasons)

    async def run(self) -> None:
        """Tell in time what was left out, until cancelled."""
        await self._ration.run()

    def show(self, problems: tuple[Problem, ...], lost: Mapping[Ref, Outage]) -> None:
        """Log the difference to what was shown before; `lost` are the outages among them."""
        now = frozenset(problems)
        for problem in in_order(now - self._shown):
            known = problem.at in lost and lost[problem.at] in self._told.get(problem.at, ())
            is_quiet = known or bool(problem.because) or problem.severity is Severity.HINT
            level = logging.INFO if is_quiet else logging.WARNING
            self._ration.say(problem.at, level, f"{problem.reason}: {problem.message}")
        for problem in in_order(self._shown - now):
            if problem.at not in self._told:
                of = f" of {problem.key}" if problem.key else ""
                self._ration.say(problem.at, logging.INFO, f"{problem.reason}{of} is settled")
        for origin in sorted(self._told.keys() - lost.keys()):
            self._ration.say(origin, logging.WARNING, f"{UNREACHABLE} is settled")
        self._shown, self._by_object = now, None
        self._told = {at: self._told.get(at, set()) | {outage} for at, outage in lost.items()}

    def _reasons(self, at: Ref) -> str:
        """What problems an object has. O(problems) for the first object that is asked for."""
        if self._by_object is None:
            self._by_object = {}
            for problem in self._shown:
                self._by_object.setdefault(problem.at, Counter())[problem.reason] += 1
        reasons = self._by_object.get(at, Counter())
        return ", ".join(f"{n} {reason}" for reason, n in sorted(reasons.items())) or "none"
