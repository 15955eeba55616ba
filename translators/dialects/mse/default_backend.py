"""The annotation `default-backend`: a Service that stands in for those of an Ingress.

It gets the requests of a Service that is missing, or that has no usable Pod.
"""

from dataclasses import replace
from typing import Final

from translators.dialects.annotations.feature import Feature, Wanted
from translators.dialects.annotations.reader import Found, Reader, shared
from translators.dialects.annotations.values import ServiceName, service_name
from translators.model.actions import Forward
from translators.model.backends import Backend
from translators.model.rules import Rule

DEFAULT_BACKEND: Final = shared(
    "default-backend",
    "`[NAMESPACE/]SERVICE` whose first port gets the requests while the Service of a rule is "
    "missing or has no usable Pod",
)


def read(reader: Reader, wanted: Wanted) -> None:
    """Put the Service behind those of the rules. A canary falls back to its main rule."""
    found = reader.find(DEFAULT_BACKEND, service_name(reader.namespace))
    if found and wanted.split is None:
        wanted.changes.append(lambda rule: _apply(rule, found))


def _apply(rule: Rule, found: Found[ServiceName]) -> Rule:
    if not isinstance(rule.action, Forward):
        return rule
    backend = Backend(*found.value)
    return replace(rule, action=rule.action.behind(backend), fallback=found.spelling)


FEATURE: Final = Feature("Default backend", (DEFAULT_BACKEND,), read)
