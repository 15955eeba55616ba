"""The annotation `ssl-redirect`: port 80 of an ALB gateway sends requests to https.

Each listener has route tables of its own, so the redirect is a rule for those of HTTP 80, whether
the Ingress is served there or not.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from translators.dialects.annotations.https_redirect import https_redirect
from translators.dialects.annotations.reader import ALB, NGINX, Key
from translators.envoy.names import tables_of
from translators.model.actions import Forward
from translators.model.clear_text import to_https
from translators.model.listeners import ListenerPort, Protocol
from translators.model.rules import Rule

REDIRECT: Final = Key(
    "ssl-redirect",
    (NGINX, ALB),
    "`true`: requests to HTTP 80 for the Ingress's hosts and paths are sent to https (308)",
    default="`false`",
    example="true",
)

HTTP: Final = ListenerPort(80, Protocol.HTTP)

FEATURE: Final = https_redirect(REDIRECT)


def redirected(rules: Iterable[Rule]) -> Iterator[Rule]:
    """Put a redirect before the rules that ask for one."""
    tables = tables_of(HTTP)
    for rule in rules:
        served = replace(rule, https_only="")
        if not rule.https_only or not isinstance(rule.action, Forward):
            yield served
            continue
        yield replace(to_https(rule), sets=(tables,))
        yield served
