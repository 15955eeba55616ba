"""The rules of one host, merged over all Ingresses and put in order.

Order of rules: `order`, then Exact, longer Prefix, regex (longer text first), Prefix "/", and last
the default backend. Two rules with one path: the older Ingress keeps it. Canary rules join the main
rule of their path and class, one of each Ingress. The result does not depend on the order in which
objects arrived.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TypeAlias

from fleet.problem import Problem
from fleet.ref import Ref
from translators.dialects.edge_settings import PATH_NORMALIZATION
from translators.dialects.paths import NORMALISED
from translators.envoy.names import listener_of
from translators.merge.canaries import excessive, relate
from translators.merge.host_bounds import HostBounds
from translators.merge.https_redirect import redirects
from translators.merge.ownership import (
    Owner,
    canaries_inside,
    closed_inside,
    owner_of,
    partaking,
    refusals,
)
from translators.merge.scopes import NOTHING, Claim, Settled, settle
from translators.model.canaries import Canary
from translators.model.edge import PathNormalization
from translators.model.gateways import OPEN, Boundaries
from translators.model.host_plans import NO_INGRESS, NO_NAMESPACE, HostPlan
from translators.model.ingresses import IngressRules
from translators.model.listeners import TableSet
from translators.model.paths import Path, PathKind
from translators.model.policy import Scope
from translators.model.rules import Age, Rule

Claimed: TypeAlias = tuple[PathKind, str, int, tuple[object, ...]]
"""What only one rule of a host can have."""


def plan_host(
    ingresses: Collection[IngressRules],
    host: str,
    tables: TableSet,
    boundaries: Boundaries = OPEN,
    above: Owner | None = None,
    *,
    below: bool = False,
    strict: bool = False,
    https: bool = False,
) -> HostPlan:
    """Merge the rules that the Ingresses declare for the host in a set of route tables.

    `above` is who owns the wildcard over it, where `boundaries` ask who owns the host; `below` says
    that there is such a wildcard. `strict` says that no request has an ambiguous path when it is
    routed, `https` that not all of them come in clear.
    """
    problems: list[Problem] = []
    declared = [r for i in ingresses for r in i.rules_of(host) if tables in r.sets]
    defaults = [r for i in ingresses for r in i.defaults_of(host) if tables in r.sets]
    adding = [c for i in ingresses for c in i.canaries_of(host) if tables in c.rule.sets]
    bare = [ingress for ingress in ingresses if (tables, host) in ingress.bare]
    owners = [owner_of(ingresses, tables, host), above] if boundaries.owned else []
    if named_by := min(filter(None, owners), default=None):
        _, owner = named_by
        # Of every host that no rule names, the oldest default backend is the one anyway.
        named = [*declared, *(canary.rule for canary in adding), *(defaults if host else ())]
        problems += refusals(named, owner, boundaries)
        declared = [rule for rule in declared if rule.origin.namespace == owner.namespace]
        adding = [c for c in adding if c.rule.origin.namespace == owner.namespace]
        defaults = [r for r in defaults if not host or r.origin.namespace == owner.namespace]
        bare = [i for i in bare if (by := i.by) and by[1].namespace == owner.namespace]
    if boundaries.denied:
        declared, told = closed_inside(declared, boundaries)
        defaults, told_of_defaults = closed_inside(defaults, boundaries)
        adding, told_of_canaries = canaries_inside(adding, boundaries)
        problems += (*told, *told_of_defaults, *told_of_canaries)
    guarded = any(rule.restricted for rule in (*declared, *defaults))
    unmet: list[Rule] = []
    if guarded or strict:
        unmet = [rule for rule in declared if rule.path.ambiguous]
        unmet_canaries = [canary.rule for canary in adding if canary.rule.path.ambiguous]
        problems += [_unmet(rule, strict=strict) for rule in (*unmet, *unmet_canaries)]
        declared = [rule for rule in declared if not rule.path.ambiguous]
        adding = [canary for canary in adding if not canary.rule.path.ambiguous]
    mains = _first_claims(declared, tables, problems)
    bounds = HostBounds()
    mains = {claim: rule for claim, rule in mains.items() if bounds.takes(rule)}
    related = _related(mains, adding, bounds, tables, problems) if adding else {}
    problems += bounds.problems()
    rules: list[Rule] = []
    for claim, main in sorted(mains.items(), key=lambda item: _rank(item[1])):
        of_path = related.get(claim, ())
        rules += redirects(main, problems, https=https)
        rules += relate(main, of_path)
        problems += excessive(of_path)
    if len(ingresses) > 1 or any(ingress.leads_out for ingress in ingresses):
        pairs = [(each.rule, mains[claim]) for claim, taken in related.items() for each in taken]
        problems += partaking(tuple(mains.values()), pairs)
    default = min(defaults, key=_by_age, default=None)
    if default:
        rules += redirects(default, problems, https=https)
    settled = _settled(ingresses, (*mains.values(), *defaults), host)
    sharing = {c.rule.origin for taken in related.values() for c in taken if c.split.weight}
    guests = _namespaces((*mains.values(), *defaults), bare) if below else ()
    return HostPlan(
        tuple(rules),
        default,
        tuple(sorted({*problems, *settled.problems})),
        bool(bare or unmet),
        guarded,
        settled.policies,
        frozenset(sharing) if sharing else NO_INGRESS,
        frozenset(guests) if below else NO_NAMESPACE,
    )


def _settled(ingresses: Iterable[IngressRules], serving: Iterable[Rule], host: str) -> Settled:
    """The policies of the whole host: those of the Ingresses that serve something there."""
    asking = [(i, tuple(i.policies_of(Scope.HOST))) for i in ingresses if i.policies]
    if not asking:
        return NOTHING
    serve = {rule.origin for rule in serving}
    claims = [
        Claim(*by, declared)
        for ingress, policies in asking
        if (by := ingress.by) and by[1] in serve
        for declared in policies
    ]
    return settle(claims, f"host {host or '*'}")


def _namespaces(rules: Iterable[Rule], bare: Iterable[IngressRules]) -> Iterator[str]:
    """The namespaces that have rules of a host, or declare it and have nothing for it."""
    yield from (rule.origin.namespace for rule in rules)
    yield from (by[1].namespace for ingress in bare if (by := ingress.by))


def _first_claims(
    declared: Iterable[Rule], tables: TableSet, problems: list[Problem]
) -> dict[Claimed, Rule]:
    """The rules that are first at what they claim, the oldest first."""
    mains: dict[Claimed, Rule] = {}
    for rule in sorted(declared, key=_by_age):
        first = mains.setdefault(_claim(rule), rule)
        if first is not rule:
            problems.append(_conflict(rule, first, tables))
    return mains


def _related(
    mains: Mapping[Claimed, Rule],
    canaries: Iterable[Canary],
    bounds: HostBounds,
    tables: TableSet,
    problems: list[Problem],
) -> dict[Claimed, list[Canary]]:
    """The canaries of each main rule, the oldest first, one of each Ingress."""
    first_of: dict[tuple[Claimed, str, Ref], Rule] = {}
    related: dict[Claimed, list[Canary]] = defaultdict(list)
    for canary in sorted(canaries, key=lambda each: _by_age(each.rule)):
        rule, claim = canary.rule, _claim(canary.rule)
        first = first_of.setdefault((claim, rule.ingress_class, rule.origin), rule)
        if first is not rule:
            problems.append(_conflict(rule, first, tables))
            continue
        main = mains.get(claim)
        if main is None or main.ingress_class != rule.ingress_class:
            problems.append(_without_main(rule, tables))
        elif (taken := bounds.canary(canary, main)) is not None:
            related[claim].append(taken)
    return related


def _by_age(rule: Rule) -> tuple[Age, Ref]:
    """The sort is stable, so that inside an Ingress the first rule stays first."""
    return rule.age, rule.origin


def _claim(rule: Rule) -> Claimed:
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
