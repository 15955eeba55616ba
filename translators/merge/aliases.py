"""Aliases: which Ingress may give a name to a host, and what the name serves.

A host that rules name is never taken over, whatever the ages. Of several Ingresses that give one
name, the oldest decides. An Ingress has a say about a host only if it serves some rule of it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from fleet.problem import Problem
from fleet.ref import Ref
from translators.merge.challenges import is_challenge
from translators.merge.https_redirect import at_name
from translators.merge.own_chains import spared
from translators.merge.ownership import Owner
from translators.model.actions import Redirect
from translators.model.bounds import MAX_ROUTES_OF_HOST
from translators.model.conditions import surcharge
from translators.model.host_plans import HostPlan
from translators.model.ingresses import Alias
from translators.model.listeners import TableSet
from translators.model.paths import Path, PathKind
from translators.model.rules import Age, Rule


class AliasClaim(NamedTuple):
    """An alias that an Ingress gives to a host."""

    age: Age
    origin: Ref
    alias: Alias


@dataclass(frozen=True, slots=True)
class AliasPlan:
    """What the name serves, None for nothing, and the problems of Ingresses that ask for it."""

    plan: HostPlan | None
    problems: tuple[Problem, ...] = ()


def plan_alias(
    claims: Iterable[AliasClaim],
    plans: Mapping[str, HostPlan],
    before: Mapping[str, int],
    tables: TableSet,
    *,
    own: HostPlan | None,
    above: Owner | None,
    https: Callable[[], bool],
) -> AliasPlan:
    """Decide about one name.

    `plans` are those of the hosts that the claims are about, and `before` counts the aliases of
    such a host that come before this one. `own` is what rules that name it serve: if these are
    challenges alone, the name serves them beside what its host serves. `above` is the owner
    of the wildcard over it, if hosts belong to namespaces. `https` says whether clients can ask for
    it by https; without, requests in clear text are redirected to the host.
    """
    serving = sorted(
        (claim for claim in claims if _serves(claim, plans)),
        key=lambda claim: (claim.age, claim.origin, claim.alias.of),
    )
    problems = []
    allowed = []
    for claim in serving:
        if own is not None and _is_named(own):
            expected = f"a host that no rule names; {claim.alias.host} has rules"
            problems.append(_told(claim, "AliasTaken", expected))
        elif above and claim.origin.namespace != above[1].namespace:
            expected = f"a host that no other namespace owns; {above[1]} has this one"
            problems.append(_told(claim, "HostOwnedByAnother", expected))
        else:
            allowed.append(claim)
    if not allowed:
        return AliasPlan(None, tuple(sorted(problems)))
    first, *others = allowed
    for claim in others:
        if (claim.alias.of, claim.alias.redirects) != (first.alias.of, first.alias.redirects):
            expected = f"a name that no older Ingress gives; {first.origin} has it"
            problems.append(_told(claim, "Overruled", expected))
    plan = _redirect(first, tables) if first.alias.redirects else plans[first.alias.of]
    rules_of_host = sum(1 + surcharge(rule.conditions) for rule in plan.everything)
    if (before[first.alias.of] + 1) * rules_of_host > MAX_ROUTES_OF_HOST:
        expected = f"at most {MAX_ROUTES_OF_HOST} rules of a host, times its aliases"
        told = [_told(claim, "TooManyAliases", expected) for claim in allowed]
        return AliasPlan(None, tuple(sorted([*problems, *told])))
    rules = [at_name(rule, first.alias.host) for rule in plan.rules]
    default = plan.default and at_name(plan.default, first.alias.host)
    if ([*plan.rules], plan.default) != (rules, default) and https():
        plan = replace(plan, rules=tuple(rules), default=default)
    if own is not None:
        plan = replace(plan, rules=(*spared(own.rules, plan.policies), *plan.rules))
    return AliasPlan(replace(plan, problems=()), tuple(sorted(problems)))


def _is_named(own: HostPlan) -> bool:
    return own.bare or not all(map(is_challenge, own.everything))


def _serves(claim: AliasClaim, plans: Mapping[str, HostPlan]) -> bool:
    plan = plans.get(claim.alias.of)
    return plan is not None and claim.origin in plan.origins


def _redirect(claim: AliasClaim, tables: TableSet) -> HostPlan:
    """Plan a name whose requests are redirected to its host."""
    age, origin, alias = claim
    to = Redirect(host=alias.of)
    rule = Rule(origin, alias.key, age, alias.host, Path(PathKind.PREFIX, "/"), to, (tables,))
    return HostPlan((rule,), None, ())


def _told(claim: AliasClaim, reason: str, expected: str) -> Problem:
    alias = claim.alias
    effect = f"{alias.host} does not serve what {alias.of} does"
    if alias.redirects:
        effect = f"{alias.host} is not redirected to {alias.of}"
    return Problem(claim.origin, reason, alias.key, alias.value, expected, effect)
