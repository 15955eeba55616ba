"""What a host serves, after all Ingresses that name it have been merged."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fleet.problem import Problem
from fleet.ref import Ref
from translators.model.actions import Forward
from translators.model.backends import Target
from translators.model.policy import Policy
from translators.model.rules import Rule

# An empty set of its own would be 200 bytes in each of many plans.
NO_INGRESS: Final[frozenset[Ref]] = frozenset()
NO_NAMESPACE: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True)
class HostPlan:
    """What a host serves: rules in the order in which they are asked, then a rule for the rest.

    `bare` says that an Ingress declares the host and has nothing for it: requests are answered with
    404 then, and no wildcard and no rule without host serves them. Where some rule is restricted
    the host is `guarded`: no path is served that a backend may read otherwise than the rules do.
    `policies` are those of the whole host. `sharing` are the Ingresses whose canary is a share of a
    main rule. `below` are the namespaces that name the host, where a wildcard covers it too.
    """

    rules: tuple[Rule, ...]
    default: Rule | None
    problems: tuple[Problem, ...]
    bare: bool = False
    guarded: bool = False
    policies: tuple[Policy, ...] = ()
    sharing: frozenset[Ref] = NO_INGRESS
    below: frozenset[str] = NO_NAMESPACE

    @property
    def everything(self) -> tuple[Rule, ...]:
        """The rules, then the default backend."""
        return (*self.rules, self.default) if self.default else self.rules

    @property
    def targets(self) -> frozenset[Target]:
        """Everything that requests of this host may be sent to."""
        return frozenset(
            share.target
            for rule in self.everything
            if isinstance(rule.action, Forward)
            for share in rule.action.shares
        )

    def problems_of(self, origin: Ref) -> Sequence[Problem]:
        """What an Ingress is told; the problems are sorted by who is told."""
        begin = bisect_left(self.problems, origin, key=_told)
        return self.problems[begin : bisect_right(self.problems, origin, begin, key=_told)]

    @property
    def origins(self) -> frozenset[Ref]:
        """The Ingresses that serve something here."""
        return frozenset(rule.origin for rule in self.everything)


def _told(problem: Problem) -> Ref:
    return problem.at
