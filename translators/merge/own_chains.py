"""The filter chains of hosts: which hosts have one, and what their rules have to do with it."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from fleet.problem import Problem
from fleet.ref import Ref
from translators.envoy.filter_chains import NamedHosts
from translators.merge.challenges import is_challenge
from translators.merge.precedence import by_age, rank
from translators.model.actions import Forward
from translators.model.backends import BackendProtocol
from translators.model.bounds import MAX_BELOW, MAX_CHAINS
from translators.model.clear_text import CLEAR
from translators.model.host_plans import HostPlan
from translators.model.paths import Path, PathKind
from translators.model.policy import Declared, Policy
from translators.model.rules import Age, Rule
from translators.policies.client_certificates import ClientCertificates, Unchecked
from translators.policies.policy import ChainPolicy

ROOT: Final = Path(PathKind.PREFIX, "/")


def root_of(serving: Iterable[Rule], policies: Sequence[Policy]) -> Forward | None:
    """Return where connections to a host go if a policy sends them on; None if no rule says.

    `serving` are the host's rules without canaries. A backend gets the connections in its own
    protocol, which the gateway does not see. So it gets none if its rule restricts access.
    """
    if not any(isinstance(policy, ChainPolicy) and policy.sends_on for policy in policies):
        return None
    roots = [rule for rule in serving if rule.path == ROOT and not rule.conditions]
    for rule in sorted(roots, key=rank):
        if rule.restricted:
            return None
        if isinstance(rule.action, Forward):
            return rule.action.each(lambda b: b._replace(protocol=BackendProtocol.HTTP))
    return None


def spared(rules: Sequence[Rule], policies: Sequence[Policy]) -> tuple[Rule, ...]:
    """Spare rules the check of client certificates that must work without one.

    These are redirects of requests in clear text to https, and the paths by which an authority
    checks who owns the host. The latter are in Ingresses of their own.
    """
    if not any(isinstance(policy, ClientCertificates) for policy in policies):
        return tuple(rules)
    return tuple(
        replace(rule, policies=(*rule.policies, Unchecked())) if _is_spared(rule) else rule
        for rule in rules
    )


def _is_spared(rule: Rule) -> bool:
    if CLEAR in rule.conditions:
        return not isinstance(rule.action, Forward)
    asks = any(isinstance(policy, ClientCertificates) for policy in rule.policies)
    return is_challenge(rule) and not asks


# -- which hosts have a chain ----------------------------------------------------------------------


class Wish(NamedTuple):
    """A host that needs a chain, and the age of the oldest Ingress that serves it.

    `below` are hosts below a wildcard that need none. The choice of a chain has to know them.
    """

    by: tuple[Age, Ref]
    host: str
    below: tuple[str, ...] = ()


def chosen_by(plan: HostPlan) -> tuple[Age, Ref]:
    """Return the oldest Ingress that serves a host, preceded by its age."""
    return min(by_age(rule) for rule in plan.everything)


def choose(wishes: Iterable[Wish]) -> NamedHosts:
    """Choose the hosts that get a chain. The oldest take the room first."""
    own: list[str] = []
    usual: list[str] = []
    for wish in sorted(wishes):
        if len(own) < MAX_CHAINS and len(usual) + len(wish.below) <= MAX_BELOW:
            own.append(wish.host)
            usual += wish.below
    return NamedHosts(tuple(sorted(own)), tuple(sorted(usual)))


def without_chain(
    at: Ref, declared: Declared, policy: ChainPolicy, host: str, expected: str
) -> Problem:
    """Report a policy of a host that has no chain. `expected` is "" if there is no room for one."""
    reason, effect = "NoChain", policy.without
    if not host:
        effect = policy.without_host or effect
        expected = "an Ingress whose rules have a host: TLS depends on the server name"
    elif not expected:
        reason, expected = "TooManyChains", f"at most {MAX_CHAINS} hosts with TLS of their own"
        if host.startswith("*"):
            expected += f", and {MAX_BELOW} hosts below their wildcards"
    effect = f"{host or '*'}: {effect}"
    return Problem(at, reason, declared.key, declared.value, expected, effect)
