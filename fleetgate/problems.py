"""All problems of a fleet, from wherever they were found, for `check`, `status` and the log."""

import logging
from collections.abc import Iterable, Iterator
from typing import Final

from fleet.attached import attached
from fleet.problem import Problem, Severity
from fleet.ref import HUB, Ref
from fleet.state import FleetState, Origin
from translators.gateways import gateways_in
from translators.names import gateway_name
from translators.tables import Tables
from xds.cache import SnapshotCache

log = logging.getLogger(__name__)

UNREACHABLE: Final = "Unreachable"
"""The reason of the one problem that an origin can have."""


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


def rejections(gateway: Ref, cache: SnapshotCache) -> Iterator[Problem]:
    """What Envoy refused of a gateway's resources, on the objects that the resource was made from.

    Everything that Envoy could refuse is checked before; this is the net below.
    """
    for rejection in cache.rejections(gateway_name(gateway)):
        for origin in rejection.origins or (gateway,):
            if isinstance(origin, Ref):
                yield Problem(
                    origin,
                    "RejectedByEnvoy",
                    "",
                    rejection.name,
                    f"a resource that Envoy accepts: {rejection.message}",
                    "Envoy keeps the last version that it accepted",
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
            is_quiet = problem.at in known & lost or problem.severity is Severity.HINT
            level = logging.INFO if is_quiet else logging.WARNING
            log.log(level, "%s: %s: %s", problem.at, problem.reason, problem.message)
        for problem in sorted(self._shown - now):
            if problem.at not in known:
                log.info("%s: %s is settled", problem.at, problem.reason)
        for origin in sorted(known - lost):
            log.warning("%s: %s is settled", origin, UNREACHABLE)
        self._shown = now


def _lost(problems: Iterable[Problem]) -> set[Ref]:
    return {problem.at for problem in problems if problem.reason == UNREACHABLE}
