"""The plan of one host: the rules of all Ingresses that name it, merged and put in order.

`translators.merge.precedence` decides which rules win and how they are ordered; the default backend
comes last. The plan does not depend on the order in which the objects arrived.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from fleet.problem import Problem
from translators.dialects.edge_settings import PATH_NORMALIZATION
from translators.dialects.paths import NORMALISED
from translators.merge.canaries import excessive, relate
from translators.merge.host_bounds import HostBounds
from translators.merge.https_redirect import redirects
from translators.merge.orders import problems_of_order
from translators.merge.own_chains import root_of, spared
from translators.merge.ownership import (
    Owner,
    canaries_inside,
    closed_inside,
    owner_of,
    partaking,
    refusals,
)
from translators.merge.precedence import Claimed, by_age, canaries_of, rank, winners
from translators.merge.scopes import NOTHING, Claim, Settled, settle
from translators.model.canaries import Canary
from translators.model.edge import PathNormalization
from translators.model.gateways import OPEN, Boundaries
from translators.model.host_plans import NO_INGRESS, NO_NAMESPACE, HostPlan
from translators.model.ingresses import IngressRules
from translators.model.listeners import TableSet
from translators.model.policy import Scope
from translators.model.rules import Rule


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

    `above` is the owner of the wildcard that covers the host, if `boundaries` give hosts to one
    namespace. `below` says that some Ingress declares such a wildcard. `strict` says that requests
    have no ambiguous path when they are routed. `https` says that clients can ask for the host by
    https, so that not all requests are in clear text.
    """
    problems: list[Problem] = []
    declared = [r for i in ingresses for r in i.rules_of(host) if tables in r.sets]
    defaults = [r for i in ingresses for r in i.defaults_of(host) if tables in r.sets]
    adding = [c for i in ingresses for c in i.canaries_of(host) if tables in c.rule.sets]
    bare = [ingress for ingress in ingresses if (tables, host) in ingress.bare]
    owners = [owner_of(ingresses, tables, host), above] if boundaries.owned else []
    if named_by := min(filter(None, owners), default=None):
        _, owner = named_by
        # For hosts that no rule names, the oldest default backend is chosen below in any case.
        named = [*declared, *(canary.rule for canary in adding), *(defaults if host else ())]
        problems += refusals(named, owner, boundaries)
        declared = [rule for rule in declared if rule.origin.namespace == owner.namespace]
        adding = [c for c in adding if c.rule.origin.namespace == owner.namespace]
        defaults = [r for r in defaults if not host or r.origin.namespace == owner.namespace]
        bare = [i for i in bare if (by := i.by) and by[1].namespace == owner.namespace]
    if boundaries.denied:
        declared, of_rules = closed_inside(declared, boundaries)
        defaults, of_defaults = closed_inside(defaults, boundaries)
        adding, of_canaries = canaries_inside(adding, boundaries)
        problems += (*of_rules, *of_defaults, *of_canaries)
    guarded = any(rule.restricted for rule in (*declared, *defaults))
    unmet: list[Rule] = []
    if guarded or strict:
        unmet = [rule for rule in declared if rule.path.ambiguous]
        unmet_canaries = [canary.rule for canary in adding if canary.rule.path.ambiguous]
        problems += [_unmet(rule, strict=strict) for rule in (*unmet, *unmet_canaries)]
        declared = [rule for rule in declared if not rule.path.ambiguous]
        adding = [canary for canary in adding if not canary.rule.path.ambiguous]
    mains = winners(declared, tables, problems)
    bounds = HostBounds()
    mains = {claim: rule for claim, rule in mains.items() if bounds.takes(rule)}
    joined = canaries_of(mains, adding, bounds, tables, problems) if adding else {}
    problems += bounds.problems()
    serving = (*mains.values(), *defaults)
    settled = _settled(ingresses, serving, host)
    root = root_of(serving, settled.policies)
    https = https or root is not None
    ranked = sorted(mains.items(), key=lambda item: rank(item[1]))
    problems += problems_of_order([main for _, main in ranked])
    rules = list(_with_canaries(ranked, joined, problems, https=https))
    if len(ingresses) > 1 or any(ingress.leads_out for ingress in ingresses):
        pairs = [(each.rule, mains[claim]) for claim, taken in joined.items() for each in taken]
        problems += partaking(tuple(mains.values()), pairs)
    default = min(defaults, key=by_age, default=None)
    if default:
        rules += redirects(default, problems, https=https)
    sharing = {c.rule.origin for taken in joined.values() for c in taken if c.split.weight}
    guests = _namespaces(serving, bare) if below else ()
    return HostPlan(
        spared(rules, settled.policies),
        default,
        tuple(sorted({*problems, *settled.problems})),
        bool(bare or unmet),
        guarded,
        settled.policies,
        frozenset(sharing) if sharing else NO_INGRESS,
        frozenset(guests) if below else NO_NAMESPACE,
        root,
    )


def _with_canaries(
    ranked: Iterable[tuple[Claimed, Rule]],
    joined: Mapping[Claimed, Sequence[Canary]],
    problems: list[Problem],
    *,
    https: bool,
) -> Iterator[Rule]:
    """Yield the rules of all paths in order, with those that redirects and canaries add."""
    for claim, main in ranked:
        of_path = joined.get(claim, ())
        yield from redirects(main, problems, https=https)
        yield from relate(main, of_path)
        problems += excessive(of_path)


def _settled(ingresses: Iterable[IngressRules], serving: Iterable[Rule], host: str) -> Settled:
    """Settle the policies of the host that Ingresses with rules on it ask for."""
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
    """Return the namespaces of the rules, and of the Ingresses that only declare the host."""
    yield from (rule.origin.namespace for rule in rules)
    yield from (by[1].namespace for ingress in bare if (by := ingress.by))


def _unmet(rule: Rule, *, strict: bool) -> Problem:
    """Report a rule for an ambiguous path on a host that serves no request with such a path."""
    expected = "a path without //, %2F and %5C "
    if strict:
        expected += f"at a gateway whose {PATH_NORMALIZATION} is {PathNormalization.STRICT}"
        effect = NORMALISED
    else:
        expected += "on a host that has access rules"
        effect = "requests with such a path are answered with 400, so nothing would match it"
    value = rule.path.written or rule.path.value
    return Problem(rule.origin, "InvalidPath", f"{rule.at}.path", value, expected, effect)
