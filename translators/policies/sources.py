"""Lists of client addresses: who may ask at all. Anybody else gets 403.

The client's address is the one that the edge has found (`translators.envoy.forwarded`). The list of
a route replaces that of its host. That of a listener holds beside them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, ClassVar

from translators.envoy.filters import LISTENER_SOURCES, SOURCES
from translators.envoy.matching import all_of, client_in, first_of, no
from translators.envoy.messages import (
    HttpRbac,
    OnMatch,
    Rbac,
    RbacAction,
    RbacMatcherAction,
    RbacPerRoute,
    XdsTypedExtensionConfig,
)
from translators.envoy.parts import HostParts, RouteParts, TableParts
from translators.model.edge import Network
from translators.model.policy import Scope
from translators.policies.policy import EnvoyPolicy
from xds.wire import pack

if TYPE_CHECKING:
    from envoy_data_plane.envoy.extensions.filters.http.rbac import v3 as http_rbac
    from envoy_data_plane.xds.type.matcher import v3 as xds_matcher


@dataclass(frozen=True, slots=True)
class Sources:
    """The clients that may ask: those that are `allowed`, without those that are `denied`.

    An `allowed` of None allows everybody, and an empty one nobody.
    """

    allowed: tuple[Network, ...] | None = None
    denied: tuple[Network, ...] = ()

    def as_filter(self) -> http_rbac.RbacPerRoute:
        """Return the configuration of the filter `SOURCES`."""
        if self.allowed == ():
            return RbacPerRoute(rbac=HttpRbac(rules=Rbac()))  # without a rule, nobody passes
        cases = [(client_in(self.denied), _deny())] if self.denied else []
        if self.allowed is None:
            return RbacPerRoute(rbac=HttpRbac(matcher=first_of(cases, _allow())))
        cases.append((client_in(self.allowed), _allow()))
        return RbacPerRoute(rbac=HttpRbac(matcher=first_of(cases)))

    def named(self) -> xds_matcher.MatcherMatcherListPredicate | None:
        """Match the clients that a list allows by their address; None if no list allows any."""
        if not self.allowed:
            return None
        if not self.denied:
            return client_in(self.allowed)
        return all_of(no(client_in(self.denied)), client_in(self.allowed))


@dataclass(frozen=True, slots=True)
class RouteSources(EnvoyPolicy):
    """The clients that may use a route.

    With `or_authenticated`, other clients may do so too if the route authenticates them.
    """

    scope: ClassVar[Scope] = Scope.ROUTE
    sources: Sources
    or_authenticated: bool = False

    @property
    def at_redirect(self) -> RouteSources:
        """The list, or everybody where authentication would do too."""
        return RouteSources(Sources()) if self.or_authenticated else self

    def route(self, parts: RouteParts) -> None:
        """Configure the list for the route."""
        if self.or_authenticated:
            beside, alone = RbacPerRoute(), self.sources.as_filter()
            parts.access.either(self.sources.named(), SOURCES, beside, alone)
        else:
            parts.configure(SOURCES, self.sources.as_filter())


@dataclass(frozen=True, slots=True)
class HostSources(EnvoyPolicy):
    """The clients that may use the routes of a host that have no list of their own."""

    scope: ClassVar[Scope] = Scope.HOST
    sources: Sources

    def host(self, parts: HostParts) -> None:
        """Configure the list for the host."""
        parts.configure(SOURCES, self.sources.as_filter())


@dataclass(frozen=True, slots=True)
class ListenerSources(EnvoyPolicy):
    """The clients that may use a listener.

    The list stands in route tables. In the Listener itself, a change of the list would end all
    connections, and clients that were denied would be served until then.
    """

    scope: ClassVar[Scope] = Scope.LISTENER
    sources: Sources

    def table(self, parts: TableParts) -> None:
        """Configure the list for all route tables of the listener."""
        parts.configure(LISTENER_SOURCES, self.sources.as_filter())


@cache
def _allow() -> xds_matcher.MatcherOnMatch:
    config = pack(RbacMatcherAction(name="allow", action=RbacAction.ALLOW))
    return OnMatch(action=XdsTypedExtensionConfig(name="allow", typed_config=config))


@cache
def _deny() -> xds_matcher.MatcherOnMatch:
    config = pack(RbacMatcherAction(name="deny", action=RbacAction.DENY))
    return OnMatch(action=XdsTypedExtensionConfig(name="deny", typed_config=config))
