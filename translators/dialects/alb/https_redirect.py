"""The annotation `ssl-redirect`: port 80 of an ALB gateway sends requests to https.

Each listener has route tables of its own, so the redirect is a rule for those of HTTP 80, whether
the Ingress is served there or not. It is made for paths that the gateway answers itself too. A path
that redirects to http on its own host gets none, because the two would redirect in a circle.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from fleet.problem import Problem
from translators.dialects.annotations.feature import Feature, Wanted
from translators.dialects.annotations.https_redirect import https_redirect
from translators.dialects.annotations.reader import ALB, NGINX, Key, Reader
from translators.envoy.names import tables_of
from translators.model.actions import Redirect
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

_SWITCH: Final = https_redirect(REDIRECT)


def _read(reader: Reader, wanted: Wanted) -> None:
    _SWITCH.read(reader, wanted)
    wanted.checks.append(_circle)


FEATURE: Final = Feature(_SWITCH.name, _SWITCH.keys, _read)


def redirected(rules: Iterable[Rule]) -> Iterator[Rule]:
    """Put a redirect before the rules that ask for one."""
    tables = tables_of(HTTP)
    for rule in rules:
        served = replace(rule, https_only="")
        if rule.https_only and not _leads_back(rule):
            yield replace(to_https(rule), sets=(tables,))
        yield served


def _leads_back(rule: Rule) -> bool:
    """Return whether a rule redirects clients to HTTP 80 of a host that it is a rule of."""
    to = rule.action
    if not isinstance(to, Redirect) or to.scheme != "http" or to.port not in {0, HTTP.port}:
        return False
    host, own = to.host.removesuffix(f":{HTTP.port}"), rule.host
    return not host or not own or host == own or (own.startswith("*") and host.endswith(own[1:]))


def _circle(rule: Rule) -> Problem | None:
    """Report a rule that gets no redirect to https since it redirects back."""
    if not rule.https_only or not _leads_back(rule):
        return None
    path = rule.path.written or rule.path.value
    expected = f"no redirect to http on the same host, as {path} has it"
    effect = f"requests for {path} are not sent to https by it"
    return Problem(rule.origin, "RedirectCircle", rule.https_only, "true", expected, effect)
