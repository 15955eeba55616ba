"""Cross-origin resource sharing: pages of other origins that may read the answers of a route.

Envoy echoes an allowed origin, and answers its preflights. Requests of other origins get no headers
for browsers, and are served as usual.
"""

from dataclasses import dataclass
from typing import ClassVar, Final

from translators.envoy.filters import CORS
from translators.envoy.messages import CorsPolicy, RegexMatcher, StringMatcher
from translators.envoy.parts import RouteParts
from translators.model.conditions import Text
from translators.model.policy import Scope
from translators.policies.policy import EnvoyPolicy

ANY_ORIGIN: Final = Text("*")
"""Envoy takes it for every origin."""


@dataclass(frozen=True, slots=True)
class Cors(EnvoyPolicy):
    """The origins that are allowed, and what their pages may send and read."""

    scope: ClassVar[Scope] = Scope.ROUTE
    on_redirects: ClassVar[bool] = False  # Envoy's filter does nothing there
    origins: tuple[Text, ...]
    methods: tuple[str, ...]
    headers: tuple[str, ...]
    exposed: tuple[str, ...]
    credentials: bool
    max_age: int

    def route(self, parts: RouteParts) -> None:
        """Configure the CORS filter for the route."""
        origins = [
            StringMatcher(safe_regex=RegexMatcher(regex=origin.value))
            if origin.regex
            else StringMatcher(exact=origin.value)
            for origin in self.origins
        ]
        policy = CorsPolicy(
            allow_origin_string_match=origins,
            allow_methods=", ".join(self.methods),
            allow_headers=", ".join(self.headers),
            expose_headers=", ".join(self.exposed),
            allow_credentials=self.credentials,
            max_age=str(self.max_age),
        )
        parts.configure(CORS, policy)
