"""The rules of one host, merged over all Ingresses and put in order.

Order of rules: `order`, then Exact, longer Prefix, regex (longer text first), Prefix "/", and last
the default backend. Two rules with one path: the older Ingress keeps it. Canary rules join the main
rule of their path and class, one of each Ingress. The result does not depend on the order in which
objects arrived.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from fleet.problem import Problem
from fleet.ref import Ref
from translators.dialects.edge_settings import PATH_NORMALIZATION
from translators.dialects.paths import NORMALISED
from translators.envoy.names import listener_of
from translators.merge.canaries import excessive, relate
from translators.merge.host_bounds import HostBounds
from translators.merge.ownership import kept_inside, owner_of, partaking, refusals
from translators.model.actions import Forward
from translators.model.backends import Target
from translators.model.edge import PathNormalization
from translators.model.gateways import OPEN, Boundaries
from translators.model.ingresses import IngressRules
from translators.model.listeners import MSE_TABLES, TableSet
from translators.model.paths import Path, PathKind
from translators.model.rules import Age, Rule

Claim: TypeAlias = tuple[PathKind, str, int, tuple[object, ...]]
CanaryClaim: TypeAlias = tuple[Claim, str, Ref]
"""A path, a class, and an Ingress of it."""

# An empty set of its own would be 200 bytes in each of many plans.
_NOBODY: Final[frozenset[Ref]] = frozenset()
_NO_NAMESPACE: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True)
class HostPlan:
    """What a host serves: rules in the order in which they are asked, then a rule for the rest.

    `bare` says that an Ingress declares the host and has nothing for it: it is answered with 404
    then, and goes to no wildcard and no rule without host. Where some rule is restricted the host
    is `guarded`: no path is served that a backend may read otherwise than the rules do. `sharing`
    are the Ingresses whose canary is a share of a main rule. `below` are the namespaces that name
    the host, where a wildcard covers it too.
    """

    rules: tuple[Rule, ...]
    default: Rule | None
    problems: tuple[Problem, ...]
    bare: bool = False
    guarded: bool = False
    sharing: frozenset[Ref] = _NOBODY
    below: frozenset[str] = _NO_NAMESPACE

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

    @property
    def origins(self) -> frozenset[Ref]:
        """The Ingresses that serve something here."""
        return frozenset(rule.origin for rule in self.everything)


def plan_host(
    ingresses: Collection[IngressRules],
    host: str,
    tables: TableSet = MSE_TABLES,
    boundaries: Boundaries = OPEN,
    above: Collection[IngressRules] = (),
    *,
    below: bool = False,
    strict: bool = False,
) -> HostPlan:
    """Merge the rules that the Ingresses declare for the host in a set of route tables.

    `above` are those of the wildcard over it, where `boundaries` ask who owns the host; `below`
    says that there are some. `strict` says that no request has an ambiguous path when it is routed.
    """
    problems: list[Problem] = []
    declared = [r for i in ingresses for r in i.rules if r.host == host and tables in r.sets]
    defaults = [r for i in ingresses for r in i.defaults if r.host == host and tables in r.sets]
    bare = [ingress for ingress in ingresses if (tables, host) in ingress.bare]
    if boundaries.owned and (owner := owner_of((*ingresses, *above), tables, host)):
        # Of every host that no rule names, the oldest default backend is the one anyway.
        named = [*declared, *defaults] if host else declared
        problems += refusals(named, owner, boundaries)
        declared = [rule for rule in declared if rule.origin.namespace == owner.namespace]
        defaults = [r for r in defaults if not host or r.origin.namespace == owner.namespace]
        bare = [i for i in bare if (by := i.by) and by[1].namespace == owner.namespace]
    if boundaries.denied:
        declared = kept_inside(declared, boundaries, problems)
        defaults = kept_inside(defaults, boundaries, problems)
    own = [rule for rule in (*declared, *defaults) if rule.alternative is None]
    guarded = any(rule.restricted for rule in own)
    unmet = [rule for rule in declared if rule.path.ambiguous] if guarded or strict else []
    if unmet:
        problems += [_unmet(rule, strict=strict) for rule in unmet]
        declared = [rule for rule in declared if not rule.path.ambiguous]
    is_bare = bool(bare) or any(rule.alternative is None for rule in unmet)
    mains, canaries = _claimed(declared, tables, problems)
    bounds = HostBounds()
    mains = {claim: rule for claim, rule in mains.items() if bounds.takes(rule)}
    related = _related(mains, canaries, bounds, tables, problems) if canaries else {}
    problems += bounds.problems()
    rules: list[Rule] = []
    for claim, main in sorted(mains.items(), key=lambda item: _rank(item[1])):
        of_path = related.get(claim, ())
        rules += relate(main, of_path)
        problems += excessive(of_path)
    if len(ingresses) > 1 or any(ingress.leads_out for ingress in ingresses):
        pairs = [(rule, mains[claim]) for claim, taken in related.items() for rule in taken]
        problems += partaking(tuple(mains.values()), pairs)
    sharing = {r.origin for taken in related.values() for r in taken if _shares(r)}
    guests = _namespaces((*mains.values(), *defaults), bare) if below else ()
    return HostPlan(
        tuple(rules),
        min(defaults, key=_by_age, default=None),
        tuple(sorted(set(problems))),
        is_bare,
        guarded,
        frozenset(sharing) if sharing else _NOBODY,
        frozenset(guests) if below else _NO_NAMESPACE,
    )


def _namespaces(rules: Iterable[Rule], bare: Iterable[IngressRules]) -> Iterator[str]:
    """The namespaces that have rules of a host, or declare it and have nothing for it."""
    yield from (rule.origin.namespace for rule in rules)
    yield from (by[1].namespace for ingress in bare if (by := ingress.by))


def _claimed(
    declared: Iterable[Rule], tables: TableSet, problems: list[Problem]
) -> tuple[dict[Claim, Rule], dict[CanaryClaim, Rule]]:
    """The rules and the canaries that are first at what they claim, the oldest first."""
    mains: dict[Claim, Rule] = {}
    canaries: dict[CanaryClaim, Rule] = {}
    for rule in sorted(declared, key=_by_age):
        claim = _claim(rule)
        if rule.alternative is None:
            first = mains.setdefault(claim, rule)
        else:
            first = canaries.setdefault((claim, rule.ingress_class, rule.origin), rule)
        if first is not rule:
            problems.append(_conflict(rule, first, tables))
    return mains, canaries


def _related(
    mains: Mapping[Claim, Rule],
    canaries: Mapping[CanaryClaim, Rule],
    bounds: HostBounds,
    tables: TableSet,
    problems: list[Problem],
) -> dict[Claim, list[Rule]]:
    """The canaries of each main rule, the oldest first."""
    related: dict[Claim, list[Rule]] = defaultdict(list)
    for (claim, ingress_class, _), rule in canaries.items():
        main = mains.get(claim)
        if main is None or main.ingress_class != ingress_class or rule.alternative is None:
            problems.append(_without_main(rule, tables))
        elif (taken := bounds.canary(rule, rule.alternative, main)) is not None:
            related[claim].append(taken)
    return related


def _shares(canary: Rule) -> bool:
    """Whether a canary is a share of its main rule, if only of 0 for a while."""
    return canary.alternative is not None and canary.alternative.weight is not None


def _by_age(rule: Rule) -> tuple[Age, Ref]:
    """The sort is stable, so that inside an Ingress the first rule stays first."""
    return rule.age, rule.origin


def _claim(rule: Rule) -> Claim:
    return rule.path.kind, rule.path.value, rule.order, rule.conditions


def _rank(rule: Rule) -> tuple[object, ...]:
    path = rule.path
    last = path == Path(PathKind.PREFIX, "/")
    return (
        rule.order,
        last,
        path.kind.value,
        -len(path.value),
        path.value,
        -len(rule.conditions),
        _by_age(rule),
    )


def _conflict(rule: Rule, first: Rule, tables: TableSet) -> Problem:
    host = rule.host or "every host"
    return Problem(
        rule.origin,
        "Conflict",
        rule.at,
        f"{rule.host or '*'} {rule.path}",
        f"a path of {host} that no older rule has",
        f"{first.origin} keeps it ({first.at}), this rule is not served{_there(rule, tables)}",
    )


def _unmet(rule: Rule, *, strict: bool) -> Problem:
    """The problem of a rule for an ambiguous path, where no such request is served."""
    expected = "a path without //, %2F and %5C "
    if strict:
        expected += f"at a gateway whose {PATH_NORMALIZATION} is {PathNormalization.STRICT}"
        effect = NORMALISED
    else:
        expected += "on a host that has access rules"
        effect = "requests with such a path are answered with 400, so nothing would match it"
    value = rule.path.written or rule.path.value
    return Problem(rule.origin, "InvalidPath", f"{rule.at}.path", value, expected, effect)


def _without_main(rule: Rule, tables: TableSet) -> Problem:
    return Problem(
        rule.origin,
        "CanaryWithoutMain",
        rule.at,
        f"{rule.host or '*'} {rule.path}",
        "an Ingress without canary that has the same class, host and path",
        f"the canary takes no request{_there(rule, tables)}",
    )


def _there(rule: Rule, tables: TableSet) -> str:
    """The listener, where the rule may well be served on others."""
    return f" on {listener_of(tables)}" if len(rule.sets) > 1 else ""
