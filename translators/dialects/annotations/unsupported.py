"""Rows for annotations that a dialect knows but that have no effect, and their consequences.

A request must not reach a backend that the annotation would have protected. So an annotation that
restricts access, or narrows a rule, closes the paths of the Ingress. An annotation that changes how
requests are served is reported, and requests are served without it. An annotation that only tunes
NGINX is not reported.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from translators.dialects.annotations.reader import Key


class Without(Enum):
    """The consequence of an annotation without effect. The value is the effect in the problem."""

    CLOSED = "its paths are answered with 503"
    NARROWED = "its paths are answered with 503; a canary takes no request"
    OPEN = "no effect on an ALB gateway: it keeps nobody out"
    NEVER = "no effect"
    OTHERS = "no effect on an ALB gateway"
    TUNING = "no effect, and nothing is lost without it"

    @property
    def is_quiet(self) -> bool:
        """Whether an Ingress has no problem by it."""
        return self in {Without.OTHERS, Without.TUNING}

    @staticmethod
    def narrowed(*, is_canary: bool) -> str:
        """Return the effect of NARROWED in the problem of an Ingress."""
        return "the canary takes no request" if is_canary else Without.CLOSED.value


_FALSE: Final = frozenset({"false", "False", "FALSE", "f", "F"})

_EVERYBODY: Final = frozenset({"*", "0.0.0.0/0"})

_SNIPPETS: Final = frozenset({"configuration-snippet", "server-snippet"})

_RESTRICTION: Final = re.compile(
    r"\b(?:deny|allow|satisfy|limit_except|valid_referers|secure_link|auth_\w+|ssl_verify_client"
    r"|internal|modsecurity\w*|(?:access|rewrite)_by_lua\w*|return\s+[45][0-9][0-9])\b"
)
"""Directives of NGINX that restrict access, or can do so."""


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A key without effect, and the consequence. Names can be appended to the key of a `family`.

    `reason` says why it has no effect, and `instead` what to use in its place. Both are phrases for
    problems, `check` and the documentation.
    """

    key: Key
    otherwise: Without
    family: bool = False
    reason: str = ""
    instead: str = ""

    def without(self, value: str) -> Without | None:
        """Return the consequence for this value; None if it asks for what happens anyway."""
        text = value.strip()
        asks = _ASKS.get(self.key.name, _is_switched_on)
        if text and asks(text):
            return self.otherwise
        # A snippet without a restriction still has other directives, which have no effect.
        return Without.NEVER if text and self.key.name in _SNIPPETS else None


def rows(
    make: Callable[[str], Key],
    without: Without,
    names: str,
    *,
    family: bool = False,
    reason: str = "",
    instead: str = "",
) -> Iterator[Unsupported]:
    """Make a row for each of the names, which are separated by blanks."""
    return (Unsupported(make(name), without, family, reason, instead) for name in names.split())


def _is_switched_on(text: str) -> bool:
    return text not in _FALSE


def _is_there(_: str) -> bool:
    return True


def _names_some(text: str) -> bool:
    """Return whether a list of addresses leaves somebody out."""
    return _EVERYBODY.isdisjoint(item.strip() for item in text.split(","))


def _keeps_out(text: str) -> bool:
    return _RESTRICTION.search(text) is not None


_SAID_ANYWAY: Final = re.compile(
    r"(?:\s*proxy_set_header\s+(?i:X-Forwarded-Host\s+\$(?:http_host|host|best_http_host)"
    r"|X-Forwarded-Proto\s+\$(?:scheme|pass_access_scheme)"
    r"|X-(?:Forwarded|Original)-Method\s+\$request_method"
    r"|X-(?:Forwarded|Original)-Uri\s+\$request_uri"
    r"|X-Original-URL\s+\$(?:scheme|pass_access_scheme)://\$(?:http_host|best_http_host)"
    r"\$request_uri)\s*;)+\s*"
)
"""Directives that give a service of `auth-url` headers which it gets in any case."""


_ASKS: Final[Mapping[str, Callable[[str], bool]]] = {
    **dict.fromkeys(
        ("whitelist-source-range", "allowlist-source-range"),
        _names_some,
    ),
    # These keys are no booleans. "false" is an ordinary text, and does not switch them off.
    **dict.fromkeys(
        (
            *("denylist-source-range", "auth-url", "auth-type", "auth-secret"),
            *("auth-tls-secret", "auth-tls-match-cn", "modsecurity-snippet"),
        ),
        _is_there,
    ),
    **dict.fromkeys(_SNIPPETS, _keeps_out),
    "auth-snippet": lambda text: _SAID_ANYWAY.fullmatch(text) is None,
    "auth-tls-verify-client": lambda text: text != "off",
}
"""Functions that tell whether a value asks for more than happens anyway.

Keys without an entry are switches."""
