"""Host plans: what a host serves after all Ingresses that name it have been merged."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from fleet.problem import Problem
from fleet.ref import Ref
from translators.model.actions import Forward
from translators.model.backends import Target
from translators.model.policy import Policy
from translators.model.rules import Rule

# Most plans share these two, because an empty frozenset of its own takes 200 bytes.
NO_INGRESS: Final[frozenset[Ref]] = frozenset()
NO_NAMESPACE: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True)
class HostPlan:
    """What a host serves: its rules in the order of their evaluation, and a default rule.

    `bare` says that an Ingress declares the host without anything to serve. Its requests are
    answered with 404, instead of by a wildcard host or by rules without host. `guarded` says that
    some rule is restricted: requests are refused whose path a backend may read otherwise than the
    rules do. `policies` hold for the whole host. `sharing` holds the Ingresses whose canary has a
    weight. `below` holds the namespaces that declare the host, if a wildcard covers it too. `root`
    is where connections to the host go if a policy sends them on as they come.
    """

    rules: tuple[Rule, ...]
    default: Rule | None
    problems: tuple[Problem, ...]
    bare: bool = False
    guarded: bool = False
    policies: tuple[Policy, ...] = ()
    sharing: frozenset[Ref] = NO_INGRESS
    below: frozenset[str] = NO_NAMESPACE
    root: Forward | None = None

    @property
    def everything(self) -> tuple[Rule, ...]:
        """The rules, followed by the default rule if there is one."""
        return (*self.rules, self.default) if self.default else self.rules

    @property
    def targets(self) -> frozenset[Target]:
        """All targets for requests of this host, for copies of them, or for connections to it."""
        at_root = (share.target for share in self.root.shares) if self.root else ()
        return frozenset((*(t for rule in self.everything for t in _targets(rule)), *at_root))

    def problems_of(self, origin: Ref) -> Sequence[Problem]:
        """Return the problems of one Ingress. O(log n) of all problems, which are sorted by it."""
        begin = bisect_left(self.problems, origin, key=_object_of)
        return self.problems[begin : bisect_right(self.problems, origin, begin, key=_object_of)]

    @property
    def origins(self) -> frozenset[Ref]:
        """The Ingresses that have a rule in this plan."""
        return frozenset(rule.origin for rule in self.everything)


def _targets(rule: Rule) -> Iterator[Target]:
    if isinstance(rule.action, Forward):
        yield from (share.target for share in rule.action.shares)
        for policy in rule.policies:
            yield from policy.targets


def _object_of(problem: Problem) -> Ref:
    return problem.at
