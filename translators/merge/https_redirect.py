"""Requests in clear text are redirected to https, if an Ingress asks for it and the host has https.

A request is https if it came over TLS, or if a trusted proxy that ended TLS says so in a header
(`translators.envoy.forwarded`). A redirect of a host without a certificate would lead nowhere, and
behind a proxy that is not trusted it would lead into a loop. Then the requests are served, and the
Ingress is told.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from fleet.problem import Problem
from translators.dialects.edge_settings import TRUSTED_PROXIES
from translators.model.actions import Forward, Redirect
from translators.model.conditions import Condition, Text, Where
from translators.model.policy import at_redirect
from translators.model.rules import Rule

CLEAR: Final = Condition(Where.HEADER, "x-forwarded-proto", (Text("http"),))
"""The condition of requests in clear text."""


def redirects(rule: Rule, problems: list[Problem], *, https: bool) -> Iterator[Rule]:
    """Yield the redirect that comes before a rule for https; report it if `https` is False."""
    if not rule.https_only or not isinstance(rule.action, Forward):
        return
    if https:
        yield _to_https(rule)
    else:
        problems.append(_in_clear(rule))


def at_name(rule: Rule, name: str) -> Rule:
    """Return a rule so that a redirect to https leads to this name of its host."""
    if CLEAR not in rule.conditions or not isinstance(rule.action, Redirect):
        return rule
    host = "" if name.startswith("*") else name
    return replace(rule, action=replace(rule.action, host=host))


def _to_https(rule: Rule) -> Rule:
    """Make the rule that redirects requests in clear text.

    A port in the request's Host is the HTTP port, which would be wrong in an https URL. The
    redirect names the host without it, unless the host is a wildcard.
    """
    host = "" if rule.host.startswith("*") else rule.host
    return replace(
        rule,
        conditions=(*rule.conditions, CLEAR),
        action=Redirect(scheme="https", host=host),
        policies=at_redirect(rule.policies),
        https_only="",
    )


def _in_clear(rule: Rule) -> Problem:
    """Report a rule for https on a host without it."""
    expected = (
        f"a certificate for {rule.host or 'its hosts'} in spec.tls, or a gateway that trusts a "
        f"proxy which ends TLS, by {TRUSTED_PROXIES}"
    )
    effect = "no effect there: requests in clear are served"
    return Problem(rule.origin, "NoHttps", rule.https_only, "true", expected, effect)
