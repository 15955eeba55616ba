"""Errors of backends that another Service answers instead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from translators.envoy.filters import ERRORS
from translators.envoy.header_edits import overwritten
from translators.envoy.matching import first_of, status
from translators.envoy.messages import (
    CustomResponse,
    CustomResponseRedirect,
    OnMatch,
    XdsTypedExtensionConfig,
)
from translators.envoy.names import cluster_name, inner_tables, table_name
from translators.envoy.parts import RouteParts
from translators.envoy.scoped_routes import SCOPE_HEADER
from translators.model.backends import Backend, Target
from translators.model.policy import Scope
from translators.policies.policy import EnvoyPolicy
from xds.wire import pack

_URL: Final = "http://errors.internal/"
"""Envoy takes path and Host of it, and finds the route by the scope header."""


@dataclass(frozen=True, slots=True)
class ErrorPages(EnvoyPolicy):
    """Replaces answers with these statuses by the answer of a backend to `GET /`.

    The status stays. The backend gets it in `x-code`.
    """

    scope: ClassVar[Scope] = Scope.ROUTE
    statuses: tuple[int, ...]
    backend: Backend

    @property
    def targets(self) -> tuple[Target, ...]:
        """The target that gives the answers."""
        return (Target((self.backend,)),)

    @property
    def inner_targets(self) -> tuple[Target, ...]:
        """The same: the filter asks it."""
        return self.targets

    def route(self, parts: RouteParts) -> None:
        """Configure the filter of errors for the route."""
        table = table_name(inner_tables(), cluster_name(*self.targets))
        ask = CustomResponseRedirect(
            uri=_URL,
            request_headers_to_add=[
                overwritten(SCOPE_HEADER, table),
                overwritten("x-code", "%RESPONSE_CODE%"),
            ],
        )
        asking = OnMatch(action=XdsTypedExtensionConfig(name="ask", typed_config=pack(ask)))
        matcher = first_of((status(code), asking) for code in self.statuses)
        parts.configure(ERRORS, CustomResponse(custom_response_matcher=matcher))
