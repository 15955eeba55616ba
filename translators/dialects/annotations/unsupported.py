"""Every known annotation that is not carried out yet, and what is done without it.

A request must not get where the annotation would have kept it from. So what restricts access, or
narrows a rule, closes its paths; what changes how requests are served is reported, and they are
served without; what tunes NGINX alone is known, and nothing is lost without it.

Who carries out an annotation gives it a file of its own and takes its name out of here.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from translators.dialects.annotations.reader import Key


class Without(Enum):
    """What is done without an annotation; the value is for people, `{}` is a Service's name."""

    CLOSED = "its paths are answered with 503"
    NARROWED = "its paths are answered with 503; a canary takes no request"
    PATHS = "paths to {} are not served"
    INGRESS = "the Ingress is not served"
    OPEN = "no effect on an ALB gateway: it keeps nobody out"
    NOTHING = "no effect yet"
    NEVER = "no effect, and none is planned"
    TUNING = "no effect, and nothing is lost without it"


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A key, and what is done without it. The name of a `family` goes on with another name."""

    key: Key
    otherwise: Without
    family: bool = False

    def without(self, value: str) -> Without | None:
        """What is done without this annotation; None where it asks for what is done anyway."""
        text = value.strip()
        asks = _ASKS.get(self.key.name, _is_switched_on)
        if self.otherwise is Without.PATHS or (text and asks(text)):
            return self.otherwise
        # A snippet is more than what is looked for in it.
        return Without.NEVER if text and self.key.name in _SNIPPETS else None


def rows(
    make: Callable[[str], Key], without: Without, names: str, *, family: bool = False
) -> Iterator[Unsupported]:
    """A row of a table for each of the names, which stand between blanks."""
    return (Unsupported(make(name), without, family) for name in names.split())


_FALSE: Final = frozenset({"false", "False", "FALSE", "f", "F"})

_EVERYBODY: Final = frozenset({"*", "0.0.0.0/0"})

_SNIPPETS: Final = frozenset({"configuration-snippet", "server-snippet"})

_RESTRICTION: Final = re.compile(
    r"\b(?:deny|allow|satisfy|limit_except|valid_referers|secure_link|auth_\w+|ssl_verify_client"
    r"|access_by_lua\w*|return\s+4[0-9][0-9])\b"
)
"""Directives of NGINX that keep somebody out."""


def _is_switched_on(text: str) -> bool:
    return text not in _FALSE


def _is_there(_: str) -> bool:
    return True


def _names_some(text: str) -> bool:
    """Whether a list of addresses is not everybody's."""
    return _EVERYBODY.isdisjoint(item.strip() for item in text.split(","))


def _keeps_out(text: str) -> bool:
    return _RESTRICTION.search(text) is not None


_ASKS: Final[Mapping[str, Callable[[str], bool]]] = {
    **dict.fromkeys(
        ("whitelist-source-range", "allowlist-source-range", "domain-whitelist-source-range"),
        _names_some,
    ),
    # What is no boolean: "false" is then a text like any other, and not one that lets everybody in.
    **dict.fromkeys(
        (
            *("denylist-source-range", "blacklist-source-range", "domain-blacklist-source-range"),
            *("auth-url", "auth-type", "auth-secret", "auth-tls-secret", "auth-tls-match-cn"),
            *("match-method", "modsecurity-snippet"),
        ),
        _is_there,
    ),
    **dict.fromkeys(_SNIPPETS, _keeps_out),
    "auth-tls-verify-client": lambda text: text != "off",
    "order": lambda text: text != "10",
    "proxy-body-size": lambda text: text != "0",
    "satisfy": lambda text: text != "all",
}
"""Whether a value asks for anything that is not done anyway; other keys are switched on or off."""
