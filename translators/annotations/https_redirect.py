"""`ssl-redirect`, `force-ssl-redirect`: requests in clear are sent to https.

A gateway serves by HTTP alone, so a request is in clear unless a proxy in front, which ends TLS and
which the gateway trusts, says that it was not (`translators.forwarded`). Where no proxy is trusted
every request would be sent away, to where nobody serves: the requests are served then.
"""

from dataclasses import replace
from typing import Final

from fleet.problem import Problem
from translators.annotations.feature import Feature
from translators.annotations.reader import Reader, shared
from translators.annotations.values import boolean
from translators.edge import TRUSTED_PROXIES
from translators.model import Condition, Redirect, Rule, Text, Where

_MEANING: Final = (
    "`true`: a request in clear is sent to https (308) where the gateway trusts a proxy that ends "
    "TLS, by `fleetgate.dev/trusted-proxies`"
)

FORCE: Final = shared("force-ssl-redirect", _MEANING)
REDIRECT: Final = shared("ssl-redirect", _MEANING)

_CLEAR: Final = Condition(Where.HEADER, "x-forwarded-proto", (Text("http"),))


def parse(reader: Reader) -> str | None:
    """The annotation that asks for it."""
    found = [reader.find(key, boolean) for key in (FORCE, REDIRECT)]
    return next((each.spelling for each in found if each and each.value), None)


def to_https(rule: Rule) -> Rule:
    """The rule that sends a rule's requests in clear away, to be asked before it.

    The port of the Host is that of HTTP: it goes where the host is known.
    """
    host = "" if rule.host.startswith("*") else rule.host
    return replace(
        rule, conditions=(*rule.conditions, _CLEAR), action=Redirect(host), https_only=""
    )


def in_clear(rule: Rule) -> Problem:
    """The problem of a rule at a gateway that trusts no proxy."""
    expected = f"a gateway that trusts a proxy which ends TLS, by {TRUSTED_PROXIES}"
    effect = "no effect at a gateway that trusts none: requests in clear are served"
    return Problem(rule.origin, "NoHttps", rule.https_only, "true", expected, effect)


def _apply(rule: Rule, annotation: str) -> Rule:
    return replace(rule, https_only=annotation)


FEATURE: Final = Feature("Redirect to https", (FORCE, REDIRECT), parse, _apply)
