"""The annotations `ssl-redirect` and `force-ssl-redirect`: redirect requests in clear text.

`translators.merge.https_redirect` makes the redirects, and says which requests are in clear text.
"""

from dataclasses import replace
from typing import Final

from translators.dialects.annotations.feature import rule_feature
from translators.dialects.annotations.reader import Reader, shared
from translators.dialects.annotations.values import boolean
from translators.model.rules import Rule

_MEANING: Final = (
    "`true`: a request in clear is sent to https (308) where the host has a certificate, or where "
    "the gateway trusts a proxy that ends TLS, by `fleetgate.dev/trusted-proxies`"
)

FORCE: Final = shared(
    "force-ssl-redirect",
    _MEANING,
    default="`false`",
    differs="only where the gateway, or a trusted proxy, ends TLS for the host",
    example="true",
)
REDIRECT: Final = shared(
    "ssl-redirect",
    _MEANING,
    default="`false`",
    differs="off unless it is set: a host with TLS is served in clear too",
    example="true",
)


def parse(reader: Reader) -> str | None:
    """Return the annotation that asks for a redirect, or None."""
    switches = [reader.find(key, boolean) for key in (FORCE, REDIRECT)]
    return next((switch.spelling for switch in switches if switch and switch.value), None)


def _apply(rule: Rule, annotation: str) -> Rule:
    return replace(rule, https_only=annotation)


FEATURE: Final = rule_feature("Redirect to https", (FORCE, REDIRECT), parse, _apply)
