"""All problems of a fleet, from wherever they were found, for `check`, `status` and the log."""

import logging
from collections.abc import Iterable, Iterator
from typing import Final

from fleet.attached import attached
from fleet.problem import Problem
from fleet.ref import HUB, Ref
from fleet.state import FleetState, Origin
from translators.gateways import gateways_in
from translators.names import gateway_name
from translators.tables import Tables
from xds.cache import SnapshotCache
from xds.quarantine import Rejection
from xds.quoted import cut, quoted

log = logging.getLogger(__name__)

UNREACHABLE: Final = "Unreachable"
"""The reason of the one problem that an origin can have."""

_MESSAGE: Final = 1000
"""Characters of what an Envoy says that are shown."""

_UNDECLARED: Final = 20
"""Gateways that are not declared and are told of one by one: Envoys may name any number."""


def all_problems(state: FleetState, tables: Tables) -> tuple[Problem, ...]:
    """Every problem known now, sorted by object. O(problems, members and gateways)."""
    return tuple(sorted(set(_found(state, tables))))


def _found(state: FleetState, tables: Tables) -> Iterator[Problem]:
    for problems in state.problems.values():
        yield from problems
    for name, origin in state.origins.items():
        if not origin.reachable:
            at = Ref(HUB, "Hub", "", "hub") if name == HUB else Ref(HUB, "Member", "", name)
            yield Problem(at, UNREACHABLE, "", origin.message, "to reach it")
    yield from tables.problems()


def unread(state: FleetState) -> list[str]:
    """A sentence on each origin that counts and is not read now: the hub, and attached members.

    O(gateways and members).
    """
    count = {HUB, *(member for g in gateways_in(state).values() for member in attached(g))}
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
                    f"a resource that Envoy accepts: {cut(rejection.message, _MESSAGE)}",
                    "Envoy keeps the last version that it accepted",
                )


class Refusals:
    """What Envoys refuse now, looked through again only where that has changed."""

    def __init__(self, cache: SnapshotCache) -> None:
        self._cache = cache
        self._seen: dict[Ref, tuple[object, frozenset[Problem]]] = {}

    def of(self, gateways: Iterable[Ref]) -> frozenset[Problem]:
        """What Envoys of these gateways refuse. O(gateways), and what has changed of one."""
        found: dict[Ref, tuple[object, frozenset[Problem]]] = {}
        for ref in gateways:
            now = self._cache.rejections(gateway_name(ref))
            before = self._seen.get(ref)
            same = before is not None and before[0] is now
            found[ref] = before if same and before else (now, frozenset(rejections(ref, now)))
        self._seen = found
        return frozenset().union(*(problems for _, problems in found.values()))


def waiting(cache: SnapshotCache) -> Iterator[Problem]:
    """Envoys that ask for a gateway that nobody declares; one for each such gateway."""
    groups = sorted(cache.waiting().items())
    for group, nodes in groups[:_UNDECLARED]:
        first, more = min(nodes), len(nodes) - 1
        yield Problem(
            Ref(HUB, "Envoy", "", quoted(first)),
            "GatewayNotDeclared",
            "node.cluster",
            cut(group),
            "the name of a gateway that is declared, such as mse/NAME or alb/NAME",
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

    An outage of an origin is one line, whatever else is found to be the reason while it lasts, and
    its end another one that is seen as well.
    """

    def __init__(self) -> None:
        self._shown: frozenset[Problem] = frozenset()

    def show(self, problems: tuple[Problem, ...]) -> None:
        """Log the difference to what was shown before."""
        now = frozenset(problems)
        lost, known = _lost(now), _lost(self._shown)
        for problem in sorted(now - self._shown):
            level = logging.INFO if problem.at in known & lost else logging.WARNING
            log.log(level, "%s: %s: %s", problem.at, problem.reason, problem.message)
        for problem in sorted(self._shown - now):
            if problem.at not in known:
                log.info("%s: %s is settled", problem.at, problem.reason)
        for origin in sorted(known - lost):
            log.warning("%s: %s is settled", origin, UNREACHABLE)
        self._shown = now


def _lost(problems: Iterable[Problem]) -> set[Ref]:
    return {problem.at for problem in problems if problem.reason == UNREACHABLE}
