"""Requests in clear are sent to https, where an Ingress asks for it and the gateway can.

A gateway serves by HTTP alone, so a request is in clear unless a proxy in front, which ends TLS and
which the gateway trusts, says that it was not (`translators.envoy.forwarded`). Where no proxy is
trusted every request would be sent away, to where nobody serves: the requests are served then.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from fleet.problem import Problem
from translators.dialects.edge_settings import TRUSTED_PROXIES
from translators.model.actions import Forward, Redirect
from translators.model.conditions import Condition, Text, Where
from translators.model.rules import Rule

_CLEAR: Final = Condition(Where.HEADER, "x-forwarded-proto", (Text("http"),))


def redirects(rule: Rule, problems: list[Problem], *, https: bool) -> Iterator[Rule]:
    """The rule that is asked before one that is for https alone and goes to a backend."""
    if not rule.https_only or not isinstance(rule.action, Forward):
        return
    if https:
        yield _to_https(rule)
    else:
        problems.append(_in_clear(rule))


def _to_https(rule: Rule) -> Rule:
    """The rule that sends a rule's requests in clear away.

    The port of the Host is that of HTTP: it goes where the host is known.
    """
    host = "" if rule.host.startswith("*") else rule.host
    return replace(
        rule, conditions=(*rule.conditions, _CLEAR), action=Redirect(host), https_only=""
    )


def _in_clear(rule: Rule) -> Problem:
    """The problem of a rule at a gateway that trusts no proxy."""
    expected = f"a gateway that trusts a proxy which ends TLS, by {TRUSTED_PROXIES}"
    effect = "no effect at a gateway that trusts none: requests in clear are served"
    return Problem(rule.origin, "NoHttps", rule.https_only, "true", expected, effect)
