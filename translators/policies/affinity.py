"""Affinity: equal requests, or those of one client, go to the same Pod."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import ClassVar, Final

from translators.envoy.filters import SESSION
from translators.envoy.messages import (
    CookieAttribute,
    CookieSessionState,
    HashPolicy,
    HashPolicyConnection,
    HashPolicyCookie,
    HashPolicyCookieAttribute,
    HashPolicyHeader,
    HashPolicyQueryParameter,
    SessionCookie,
    StatefulSession,
    StatefulSessionPerRoute,
    TypedExtensionConfig,
)
from translators.envoy.parts import RouteParts
from translators.model.policy import Scope
from translators.policies.policy import EnvoyPolicy
from xds.wire import pack


class HashOf(Enum):
    """The part of a request whose hash chooses the Pod."""

    ADDRESS = "address"
    HEADER = "header"
    QUERY = "query"


@dataclass(frozen=True, slots=True)
class HashBy(EnvoyPolicy):
    """Sends requests with an equal part to the same Pod, if its Service is balanced by a hash.

    `name` is that of the header or the query parameter. `:path` and `:authority` are headers.
    """

    scope: ClassVar[Scope] = Scope.ROUTE
    of: HashOf
    name: str = ""

    def route(self, parts: RouteParts) -> None:
        """Add the hash to the route."""
        match self.of:
            case HashOf.ADDRESS:
                policy = HashPolicy(connection_properties=HashPolicyConnection(source_ip=True))
            case HashOf.HEADER:
                policy = HashPolicy(header=HashPolicyHeader(header_name=self.name))
            case HashOf.QUERY:
                policy = HashPolicy(query_parameter=HashPolicyQueryParameter(name=self.name))
        parts.action.add("hash_policy", policy)


@dataclass(frozen=True, slots=True)
class Cookie:
    """A cookie that the gateway sets. Without `life` it ends with the browser's session."""

    name: str
    path: str = "/"
    life: timedelta = timedelta(0)
    attributes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class HashCookie(EnvoyPolicy):
    """Sends requests with the same cookie to the same Pod. Clients without it get one.

    Some clients move to another Pod when the Pods of the Service change. With `of_branches` the
    cookie also chooses between weighted targets. A client's first request has no cookie, so its
    target is chosen by chance, and that of its second one can be another.
    """

    scope: ClassVar[Scope] = Scope.ROUTE
    cookie: Cookie
    of_branches: bool = True

    def route(self, parts: RouteParts) -> None:
        """Add the hash of the cookie to the route. Without a ttl Envoy would set no cookie."""
        cookie = HashPolicyCookie(
            name=self.cookie.name,
            path=self.cookie.path,
            ttl=self.cookie.life,
            attributes=[
                HashPolicyCookieAttribute(name=name, value=value)
                for name, value in self.cookie.attributes
            ],
        )
        parts.action.add("hash_policy", HashPolicy(cookie=cookie))
        if self.of_branches:
            parts.weighted.put("use_hash_policy", True)  # noqa: FBT003 (a value of a message)


@dataclass(frozen=True, slots=True)
class PodCookie(EnvoyPolicy):
    """Names the Pod of a client in a cookie, so that the client keeps it while it is usable."""

    scope: ClassVar[Scope] = Scope.ROUTE
    cookie: Cookie

    def route(self, parts: RouteParts) -> None:
        """Configure the filter of sessions for the route."""
        cookie = SessionCookie(
            name=self.cookie.name,
            path=self.cookie.path,
            ttl=self.cookie.life or None,
            attributes=[
                CookieAttribute(name=name, value=value) for name, value in self.cookie.attributes
            ],
        )
        state = TypedExtensionConfig(
            name=_COOKIE_SESSION, typed_config=pack(CookieSessionState(cookie=cookie))
        )
        parts.configure(
            SESSION, StatefulSessionPerRoute(stateful_session=StatefulSession(session_state=state))
        )


_COOKIE_SESSION: Final = "envoy.http.stateful_session.cookie"
