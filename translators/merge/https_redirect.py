"""Requests in clear text are redirected to https, if an Ingress asks for it and the host has https.

A request is https if it came over TLS, or if a trusted proxy that ended TLS says so in a header
(`translators.envoy.forwarded`). A redirect of a host without a certificate would lead nowhere, and
behind a proxy that is not trusted it would lead into a loop. Then the requests are served, and the
Ingress is told.
"""

from collections.abc import Iterator
from dataclasses import replace

from fleet.problem import Problem
from translators.dialects.edge_settings import TRUSTED_PROXIES
from translators.model.actions import Forward, Redirect
from translators.model.clear_text import CLEAR, to_https
from translators.model.rules import Rule


def redirects(rule: Rule, problems: list[Problem], *, https: bool) -> Iterator[Rule]:
    """Yield the redirect that comes before a rule for https; report it if `https` is False."""
    if not rule.https_only or not isinstance(rule.action, Forward):
        return
    if https:
        yield to_https(rule)
    else:
        problems.append(_in_clear(rule))


def at_name(rule: Rule, name: str) -> Rule:
    """Return a rule so that a redirect to https leads to this name of its host."""
    if CLEAR not in rule.conditions or not isinstance(rule.action, Redirect):
        return rule
    host = "" if name.startswith("*") else name
    return replace(rule, action=replace(rule.action, host=host))


def _in_clear(rule: Rule) -> Problem:
    """Report a rule for https on a host without it."""
    expected = (
        f"a certificate for {rule.host or 'its hosts'} in spec.tls, or a gateway that trusts a "
        f"proxy which ends TLS, by {TRUSTED_PROXIES}"
    )
    effect = "no effect there: requests in clear are served"
    return Problem(rule.origin, "NoHttps", rule.https_only, "true", expected, effect)
