"""Policies that change the path, query or host of a request on its way to the backend."""

from dataclasses import dataclass
from typing import ClassVar

from translators.envoy.filters import QUERY
from translators.envoy.messages import RegexMatchAndSubstitute, RegexMatcher
from translators.envoy.parts import RouteParts
from translators.envoy.queries import other_query
from translators.model.policy import Scope
from translators.policies.policy import EnvoyPolicy


@dataclass(frozen=True, slots=True)
class PathRewrite(EnvoyPolicy):
    """Replace the path; the query stays.

    `pattern` matches a whole path, because Envoy replaces each part that a pattern matches. In
    `substitution`, RE2's `\\1` stands for the first group of it.
    """

    scope: ClassVar[Scope] = Scope.ROUTE
    pattern: str
    substitution: str

    def route(self, parts: RouteParts) -> None:
        """Set the rewrite of the path."""
        rewrite = RegexMatchAndSubstitute(
            pattern=RegexMatcher(regex=self.pattern), substitution=self.substitution
        )
        parts.action.put("regex_rewrite", rewrite)


@dataclass(frozen=True, slots=True)
class QueryRewrite(EnvoyPolicy):
    """Replace the query; "" takes it away."""

    scope: ClassVar[Scope] = Scope.ROUTE
    query: str

    def route(self, parts: RouteParts) -> None:
        """Configure the filter of queries."""
        parts.configure(QUERY, other_query(self.query))


@dataclass(frozen=True, slots=True)
class BackendHost(EnvoyPolicy):
    """Send another Host to the backend. The backend gets the original one in X-Forwarded-Host."""

    scope: ClassVar[Scope] = Scope.ROUTE
    name: str

    def route(self, parts: RouteParts) -> None:
        """Set the Host."""
        parts.action.put("host_rewrite_literal", self.name)
