"""`ssl-redirect`, `force-ssl-redirect`: requests in clear are sent to https.

`translators.merge.https_redirect` says which requests these are.
"""

from dataclasses import replace
from typing import Final

from translators.dialects.annotations.feature import rule_feature
from translators.dialects.annotations.reader import Reader, shared
from translators.dialects.annotations.values import boolean
from translators.model.rules import Rule

_MEANING: Final = (
    "`true`: a request in clear is sent to https (308) where the gateway trusts a proxy that ends "
    "TLS, by `fleetgate.dev/trusted-proxies`"
)

FORCE: Final = shared("force-ssl-redirect", _MEANING)
REDIRECT: Final = shared("ssl-redirect", _MEANING)


def parse(reader: Reader) -> str | None:
    """The annotation that asks for it."""
    found = [reader.find(key, boolean) for key in (FORCE, REDIRECT)]
    return next((each.spelling for each in found if each and each.value), None)


def _apply(rule: Rule, annotation: str) -> Rule:
    return replace(rule, https_only=annotation)


FEATURE: Final = rule_feature("Redirect to https", (FORCE, REDIRECT), parse, _apply)
