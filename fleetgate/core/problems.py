"""The collection of all problems of a fleet, for `check`, `status`, events and the log."""

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
"""The reason of the problem of an origin that cannot be read."""

HUB_OBJECT: Final = Ref(HUB, "Hub", "", "hub")
"""The object of problems that concern the hub as a whole."""

_UNDECLARED: Final = 20
"""Undeclared gateways that have a problem each. Envoys may name any number of them."""


def all_problems(
    state: FleetState, tables: Tables, more: Iterable[Problem] = ()
) -> tuple[Problem, ...]:
    """Return all problems, their causes, and `more`, sorted by object.

    The cost is O(problems, members and gateways).
    """
    found = set(_found(state, tables))
    return in_order({*found, *(cause for problem in found for cause in problem.because), *more})


def _found(state: FleetState, tables: Tables) -> Iterator[Problem]:
    for problems in state.problems.values():
        yield from problems
    for name, origin in state.origins.items():
        if not origin.reachable:
            yield Problem(_object_of(name), UNREACHABLE, "", origin.message, "to reach it")
    yield from tables.statuses.problems()


def outages(state: FleetState) -> dict[Ref, Outage]:
    """Return the class of each outage's reason, by the object of its problem. O(members)."""
    return {_object_of(name): o.outage for name, o in state.origins.items() if not o.reachable}


def _object_of(origin: str) -> Ref:
    """Return the object of the problems of an origin."""
    return Ref(HUB, "Member", "", origin) if origin else HUB_OBJECT


def misshapen(state: FleetState, dialects: Dialects, bind: Bind) -> Iterator[Problem]:
    """Yield the problems of the fields by which gateways shape Envoys that fleetgate runs."""
    for ref, config in dialects.gateways_in(state).items():
        yield from dialects.shape(ref, config, bind).problems


def unread(state: FleetState, dialects: Dialects) -> list[str]:
    """Return a sentence about each attached member, and the hub, that cannot be read now.

    The cost is O(gateways and members).
    """
    gateways = dialects.gateways_in(state).values()
    needed = {HUB, *(member for g in gateways for member in dialects.kinds.attached(g))}
    return [
        f"{f'member {name}' if name else 'the hub'} {_why(origin)}"
        for name, origin in sorted(state.origins.items())
        if name in needed and not (origin.listed and origin.reachable)
    ]


def _why(origin: Origin) -> str:
    return "has not been read yet" if origin.reachable else f"cannot be read: {origin.message}"


def rejections(gateway: Ref, found: Iterable[Rejection]) -> Iterator[Problem]:
    """Yield a problem for each rejected resource, on the objects that it was made from.

    Translation checks everything that Envoy may reject, so such a problem is rare.
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
    """The problems of rejected resources. They are made again only where rejections change."""

    def __init__(self, cache: SnapshotCache, dialects: Dialects) -> None:
        self._cache = cache
        self._dialects = dialects
        self._seen: dict[Ref, tuple[object, frozenset[Problem]]] = {}

    def of(self, gateways: Iterable[Ref]) -> frozenset[Problem]:
        """Return the problems of these gateways. O(gateways, and changed rejections)."""
        seen: dict[Ref, tuple[object, frozenset[Problem]]] = {}
        for ref in gateways:
            now = self._cache.rejections(self._dialects.name_of(ref))
            before = self._seen.get(ref)
            same = before is not None and before[0] is now
            seen[ref] = before if same and before else (now, frozenset(rejections(ref, now)))
        self._seen = seen
        return frozenset().union(*(problems for _, problems in seen.values()))


def waiting(cache: SnapshotCache, dialects: Dialects) -> Iterator[Problem]:
    """Yield a problem for each undeclared gateway that Envoys ask for."""
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

    An outage of an origin has one warning for each class of reason that it takes on, and one for
    its end. A reason of a known class in other words, hints, and problems that follow from problems
    of another object are logged as information only. Each object has a ration of lines, and `run`
    logs how many lines were left out.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._shown: frozenset[Problem] = frozenset()
        self._by_object: dict[Ref, Counter[str]] | None = None
        self._logged_outages: dict[Ref, set[Outage]] = {}
        self._ration = Ration(clock, self._reasons)

    async def run(self) -> None:
        """Log in time how many lines were left out, until cancelled."""
        await self._ration.run()

    def show(self, problems: tuple[Problem, ...], lost: Mapping[Ref, Outage]) -> None:
        """Log the difference to the last call. `lost` are the outages, by their object."""
        now, logged = frozenset(problems), self._logged_outages
        for problem in in_order(now - self._shown):
            known = problem.at in lost and lost[problem.at] in logged.get(problem.at, ())
            is_quiet = known or bool(problem.because) or problem.severity is Severity.HINT
            level = logging.INFO if is_quiet else logging.WARNING
            self._ration.say(problem.at, level, f"{problem.reason}: {problem.message}")
        for problem in in_order(self._shown - now):
            if problem.at not in logged:
                of = f" of {problem.key}" if problem.key else ""
                self._ration.say(problem.at, logging.INFO, f"{problem.reason}{of} is settled")
        for origin in sorted(logged.keys() - lost.keys()):
            self._ration.say(origin, logging.WARNING, f"{UNREACHABLE} is settled")
        self._shown, self._by_object = now, None
        self._logged_outages = {at: logged.get(at, set()) | {outage} for at, outage in lost.items()}

    def _reasons(self, at: Ref) -> str:
        """Return the problems of an object, counted by reason. The first call is O(problems)."""
        if self._by_object is None:
            self._by_object = {}
            for problem in self._shown:
                self._by_object.setdefault(problem.at, Counter())[problem.reason] += 1
        reasons = self._by_object.get(at, Counter())
        return ", ".join(f"{n} {reason}" for reason, n in sorted(reasons.items())) or "none"
