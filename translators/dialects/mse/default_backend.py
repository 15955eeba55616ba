"""The annotations `default-backend` and `custom-http-errors`: a Service that stands in for others.

It gets the requests of a Service that is missing, or that has no usable Pod. It also answers in
place of a backend that answers with certain statuses.
"""

import re
from dataclasses import replace
from typing import Final

from fleet.kinds import listed
from translators.dialects.annotations.feature import Feature, Wanted
from translators.dialects.annotations.reader import Found, Reader, Unusable, shared
from translators.dialects.annotations.values import ServiceName, boolean, service_name
from translators.model.actions import Forward
from translators.model.backends import Backend
from translators.model.policy import Declared
from translators.model.rules import Rule
from translators.policies.errors import ErrorPages

DEFAULT_BACKEND: Final = shared(
    "default-backend",
    "`[NAMESPACE/]SERVICE` whose first port gets the requests while the Service of a rule is "
    "missing or has no usable Pod",
    example="api",
)

ERRORS: Final = shared(
    "custom-http-errors",
    "statuses with commas between them; the Service of `default-backend` gives the answer instead, "
    "asked for `/` with the status in `x-code`; the status stays",
    differs="of ingress-nginx's headers only `X-Code`",
    example="404,503",
)

LEFT: Final = shared(
    "disable-proxy-intercept-errors",
    "`true`: the answers of backends stay as they are, whatever `custom-http-errors` says",
    default="`false`",
    differs="errors of the gateway itself stay too, as they do without it",
    example="true",
)

_MOST_ERRORS: Final = 32


def read(reader: Reader, wanted: Wanted) -> None:
    """Put the Service behind those of the rules. A canary falls back to its main rule."""
    found = reader.find(DEFAULT_BACKEND, service_name(reader.namespace))
    if found and wanted.split is None:
        wanted.changes.append(lambda rule: _apply(rule, found))
    errors = reader.find(ERRORS, _statuses)
    if reader.read(LEFT, boolean, "custom-http-errors holds"):
        return
    if errors and found:
        pages = ErrorPages(errors.value, Backend(*found.value))
        wanted.policies.append(Declared(pages, errors.spelling, errors.text))
    elif errors:
        expected = f"{DEFAULT_BACKEND.name} beside it"
        reader.note(errors, "NotSupported", expected, "the answers of backends stay as they are")


def _apply(rule: Rule, found: Found[ServiceName]) -> Rule:
    if not isinstance(rule.action, Forward):
        return rule
    backend = Backend(*found.value)
    return replace(rule, action=rule.action.behind(backend), fallback=found.spelling)


def _statuses(text: str) -> tuple[int, ...]:
    items = listed(text)
    if not all(re.fullmatch("[345][0-9]{2}", item) for item in items):
        raise Unusable("statuses from 300 to 599, with commas between them")
    if not 1 <= len(items) <= _MOST_ERRORS:
        raise Unusable(f"1 to {_MOST_ERRORS} statuses")
    return tuple(sorted({int(item) for item in items}))


FEATURE: Final = Feature("Default backend", (DEFAULT_BACKEND, ERRORS, LEFT), read)
