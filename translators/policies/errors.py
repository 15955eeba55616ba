"""Errors of backends that another Service answers instead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from translators.envoy.filters import ERRORS
from translators.envoy.matching import status
from translators.envoy.messages import (
    AppendAction,
    CustomResponse,
    CustomResponseRedirect,
    HeaderValue,
    HeaderValueOption,
    OnMatch,
    XdsMatcher,
    XdsMatcherFieldMatcher,
    XdsMatcherList,
    XdsTypedExtensionConfig,
)
from translators.envoy.names import cluster_name, inner_tables, table_name
from translators.envoy.parts import RouteParts
from translators.envoy.scoped_routes import SCOPE_HEADER
from translators.model.backends import Backend, Target
from translators.model.policy import Scope
from translators.policies.policy import EnvoyPolicy
from xds.wire import pack

if TYPE_CHECKING:
    from envoy_data_plane.envoy.config.core import v3 as core

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
            request_headers_to_add=[_set(SCOPE_HEADER, table), _set("x-code", "%RESPONSE_CODE%")],
        )
        asking = OnMatch(action=XdsTypedExtensionConfig(name="ask", typed_config=pack(ask)))
        matchers = [
            XdsMatcherFieldMatcher(predicate=status(code), on_match=asking)
            for code in self.statuses
        ]
        matcher = XdsMatcher(matcher_list=XdsMatcherList(matchers=matchers))
        parts.configure(ERRORS, CustomResponse(custom_response_matcher=matcher))


def _set(name: str, value: str) -> core.HeaderValueOption:
    return HeaderValueOption(
        header=HeaderValue(key=name, value=value),
        append_action=AppendAction.OVERWRITE_IF_EXISTS_OR_ADD,
    )
