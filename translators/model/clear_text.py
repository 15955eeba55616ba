"""Requests in clear text, and the rule that redirects them to https."""

from dataclasses import replace
from typing import Final

from translators.model.actions import Redirect
from translators.model.conditions import Condition, Text, Where
from translators.model.policy import at_redirect
from translators.model.rules import Rule

CLEAR: Final = Condition(Where.HEADER, "x-forwarded-proto", (Text("http"),))
"""The condition of requests in clear text."""


def to_https(rule: Rule) -> Rule:
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
