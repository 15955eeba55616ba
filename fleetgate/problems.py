"""All problems of a fleet, from wherever they were found, for `check`, `status` and the log."""

import logging
from collections.abc import Iterator

from fleet.problem import Problem
from fleet.ref import HUB, Ref
from fleet.state import FleetState
from translators.names import gateway_name
from translators.tables import Tables
from xds.cache import SnapshotCache

log = logging.getLogger(__name__)


def all_problems(state: FleetState, tables: Tables) -> tuple[Problem, ...]:
    """Every problem known now, sorted by object. O(problems, members and gateways)."""
    return tuple(sorted(set(_found(state, tables))))


def _found(state: FleetState, tables: Tables) -> Iterator[Problem]:
    for problems in state.problems.values():
        yield from problems
    for name, origin in state.origins.items():
        if not origin.reachable:
            at = Ref(HUB, "Hub", "", "hub") if name == HUB else Ref(HUB, "Member", "", name)
            yield Problem(at, "Unreachable", "", origin.message, "to reach it")
    yield from tables.problems()


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
    """Logs each problem once when it comes, and once when it is settled."""

    def __init__(self) -> None:
        self._shown: frozenset[Problem] = frozenset()

    def show(self, problems: tuple[Problem, ...]) -> None:
        """Log the difference to what was shown before."""
        now = frozenset(problems)
        for problem in sorted(now - self._shown):
            log.warning("%s: %s: %s", problem.at, problem.reason, problem.message)
        for problem in sorted(self._shown - now):
            log.info("%s: %s is settled", problem.at, problem.reason)
        self._shown = now
