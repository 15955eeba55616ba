"""Ownership of hosts: whether other namespaces may add to a host, and which of them do.

A gateway's boundaries say whether they may (`translators.dialects.boundaries`). If they may, the
Ingress whose host, path or wildcard they share is told by a hint.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Final, TypeAlias

from fleet.problem import Problem, Severity
from fleet.ref import Ref
from translators.model.actions import FixedResponse, Forward
from translators.model.backends import Backend
from translators.model.canaries import Canary
from translators.model.gateways import Boundaries
from translators.model.ingresses import IngressRules
from translators.model.listeners import TableSet
from translators.model.rules import Age, Rule
from translators.policies.policy import asked_by, without_asking

Owner: TypeAlias = tuple[Age, Ref]
"""An Ingress, preceded by its age, so that the older of two owners is the smaller one."""

DENIED: Final = FixedResponse(
    503, "denied: this path leads to a Service of another namespace, which the gateway forbids\n"
)


def owner_of(ingresses: Iterable[IngressRules], tables: TableSet, host: str) -> Owner | None:
    """Return the oldest Ingress that declares the host; None if only canaries name it."""
    return min((by for i in ingresses if (by := i.by) and i.names(tables, host)), default=None)


def refusals(rules: Iterable[Rule], owner: Ref, boundaries: Boundaries) -> Iterator[Problem]:
    """Report each Ingress with rules for a host that belongs to another namespace."""
    guests: dict[Ref, Rule] = {}
    for rule in rules:
        if rule.origin.namespace != owner.namespace:
            guests.setdefault(rule.origin, rule)
    return (_refused(rule, owner, boundaries) for rule in guests.values())


def closed_inside(
    rules: Iterable[Rule], boundaries: Boundaries
) -> tuple[list[Rule], list[Problem]]:
    """Replace the action of rules that lead to another namespace by a 503, and report them.

    A rule whose own backend is inside only loses those that stand behind it or get copies.
    """
    effect = f"its paths are answered with 503 at {boundaries.gateway}"
    alone = f"it gets no request at {boundaries.gateway}"
    inside: list[Rule] = []
    problems: dict[tuple[Ref, str], Problem] = {}
    for declared in rules:
        beside = [*_foreign_beside(declared)]
        for other in beside:
            problems.setdefault(*_denied(declared, other, alone))
        rule = _without_others(declared) if beside else declared
        if (backend := next(chain(_foreign(rule), _asked(rule)), None)) is None:
            inside.append(rule)
        else:
            inside.append(replace(rule, action=DENIED, policies=without_asking(rule.policies)))
            problems.setdefault(*_denied(rule, backend, effect))
    return inside, list(problems.values())


def canaries_inside(
    canaries: Iterable[Canary], boundaries: Boundaries
) -> tuple[list[Canary], list[Problem]]:
    """Drop canaries that lead to another namespace, and report them."""
    effect = f"the canary takes no request at {boundaries.gateway}"
    inside: list[Canary] = []
    problems: dict[tuple[Ref, str], Problem] = {}
    for canary in canaries:
        if (backend := next(_foreign(canary.rule), None)) is None:
            inside.append(canary)
        else:
            problems.setdefault(*_denied(canary.rule, backend, effect))
    return inside, list(problems.values())


def _refused(rule: Rule, owner: Ref, boundaries: Boundaries) -> Problem:
    expected = f"a host that no other namespace owns; {owner} has this one"
    effect = f"nothing of this Ingress is served there at {boundaries.gateway}"
    value = rule.host or "*"
    return Problem(rule.origin, "HostOwnedByAnother", _place(rule), value, expected, effect)


def _denied(rule: Rule, backend: Backend, effect: str) -> tuple[tuple[Ref, str], Problem]:
    """Report a route to another namespace, under a key of the Ingress and the Service.

    By this key an Ingress is told once of each such Service, even if several rules lead there.
    """
    expected = f"Services of namespace {rule.origin.namespace} alone"
    value = _service(backend)
    problem = Problem(rule.origin, "CrossNamespace", rule.at, value, expected, effect)
    return (rule.origin, value), problem


# -- hints about other namespaces ------------------------------------------------------------------


def partaking(mains: Sequence[Rule], canaries: Sequence[tuple[Rule, Rule]]) -> Iterator[Problem]:
    """Tell the Ingresses of a host about other namespaces that take part in it.

    `mains` are the rules of the host, oldest first. `canaries` are pairs of a canary's rule and its
    main rule.
    """
    if not mains:
        return
    oldest = mains[0]
    guests: dict[Ref, list[Rule]] = {}
    for rule in mains:
        if rule.origin.namespace != oldest.origin.namespace:
            guests.setdefault(rule.origin, []).append(rule)
    for guest, rules in guests.items():
        effect = f"{guest} serves {rules[0].path}{_and_more(len(rules) - 1)} there"
        yield _hint(oldest, "SharedHost", _place(oldest), oldest.host or "*", "paths", effect)
    taken: dict[tuple[Ref, Ref], list[Rule]] = {}
    for canary, main in canaries:
        if canary.origin.namespace != main.origin.namespace:
            taken.setdefault((canary.origin, main.origin), []).append(main)
    for (guest, _), rules in taken.items():
        value = f"{rules[0].host or '*'} {rules[0].path}{_and_more(len(rules) - 1)}"
        effect = f"{guest} takes requests from it"
        yield _hint(rules[0], "ForeignCanary", rules[0].at, value, "canaries", effect)
    asked = (*mains, *(canary for canary, _ in canaries))
    ways = [(rule.origin, _service(backend)) for rule in asked for backend in _foreign(rule)]
    # A service that allows requests is often in another namespace, and its Ingress knows of it.
    others = (rule for rule in mains if rule.origin != oldest.origin)
    ways += [(rule.origin, _service(backend)) for rule in others for backend in _asked(rule)]
    host = oldest.host or "*"
    for guest, service in dict.fromkeys(ways):
        effect = f"{guest} sends requests to {service}"
        yield _hint(oldest, "ForeignService", _place(oldest), host, "Services", effect)


def below_wildcard(rule: Rule, namespace: str) -> Problem:
    """Tell the owner of a wildcard that another namespace has hosts below it."""
    effect = f"Ingresses of namespace {namespace} have hosts below it"
    return _hint(rule, "SharedWildcard", _place(rule), rule.host, "hosts", effect)


def _hint(rule: Rule, reason: str, key: str, value: str, what: str, effect: str) -> Problem:
    expected = f"{what} of namespace {rule.origin.namespace} alone"
    return Problem(rule.origin, reason, key, value, expected, effect, severity=Severity.HINT)


def _foreign(rule: Rule) -> Iterator[Backend]:
    """Yield the backends of a rule that are in another namespace than its Ingress."""
    if isinstance(rule.action, Forward):
        for share in rule.action.shares:
            for backend in share.target.backends:
                if backend.namespace != rule.origin.namespace:
                    yield backend


def _foreign_beside(rule: Rule) -> Iterator[Backend]:
    """Yield such backends that stand behind the first one of a target, or that get copies."""
    if isinstance(rule.action, Forward):
        behind = (b for share in rule.action.shares for b in share.target.backends[1:])
        copied = (b for policy in rule.policies for t in policy.targets for b in t.backends)
        for backend in (*behind, *copied):
            if backend.namespace != rule.origin.namespace:
                yield backend


def _without_others(rule: Rule) -> Rule:
    """Take the backends from a rule that `_foreign_beside` is about, with those of the namespace.

    An annotation names all of one kind, so these are together in a namespace.
    """
    if not isinstance(rule.action, Forward):
        return rule
    home = rule.origin.namespace
    inside = tuple(
        policy
        for policy in rule.policies
        if all(b.namespace == home for target in policy.targets for b in target.backends)
    )
    behind = (b for share in rule.action.shares for b in share.target.backends[1:])
    leaves = any(backend.namespace != home for backend in behind)
    action = rule.action.first if leaves else rule.action
    return replace(rule, action=action, policies=inside, fallback="" if leaves else rule.fallback)


def _asked(rule: Rule) -> Iterator[Backend]:
    """Yield the backends in another namespace that are asked whether a request is allowed."""
    return (b for b in asked_by(rule.policies) if b.namespace != rule.origin.namespace)


def _service(backend: Backend) -> str:
    return f"{backend.namespace}/{backend.service}:{backend.port}"


def _place(rule: Rule) -> str:
    """Return the field of the Ingress that names the rule's host."""
    at, paths, _ = rule.at.partition(".http.paths")
    return f"{at}.host" if paths else rule.at


def _and_more(count: int) -> str:
    return f" and {count} more" if count else ""
