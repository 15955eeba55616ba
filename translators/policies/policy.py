"""The interface of a policy towards Envoy's messages.

A policy is a frozen dataclass in a file of its own. It names its scope, and adds to the parts of
the messages that it concerns. Builders (`translators.envoy`) take the parts and know no policy.
`translators.merge.scopes` decides between Ingresses that disagree.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import ClassVar, Final

from fleet.ref import Ref
from translators.envoy.parts import (
    ChainParts,
    ClusterParts,
    HostParts,
    ListenerParts,
    RouteParts,
)
from translators.model.actions import Forward
from translators.model.authorities import AuthoritiesReading
from translators.model.policy import Policy, Scope
from translators.model.tls import ServerTls

MOST_ALIKE: Final = 1024
"""The number of policy sets whose parts are cached. Many routes have the same set."""


class EnvoyPolicy(Policy):
    """The base class of policies. Each method adds nothing unless a policy overrides it."""

    def route(self, parts: RouteParts) -> None:
        """Add to the parts of a route of the Ingress that asks for the policy."""

    def host(self, parts: HostParts) -> None:
        """Add to the parts of a host."""

    def cluster(self, parts: ClusterParts) -> None:
        """Add to the parts of a Cluster of the Service."""

    def listener(self, parts: ListenerParts) -> None:
        """Add to the parts of each listener of the gateway."""


class ChainPolicy(EnvoyPolicy):
    """The base class of policies of a host that needs a filter chain of its own.

    The handshake chooses a chain by the server name, so a rule without a host has none. `without`
    is the effect on a host without a chain. `sends_on` says that it sends connections to the
    backend of the path `/`.
    """

    scope: ClassVar[Scope] = Scope.HOST
    without: ClassVar[str] = "no effect there"
    sends_on: ClassVar[bool] = False

    @property
    def secrets(self) -> Iterator[Ref]:
        """The Secrets with authorities that the chain needs."""
        return iter(())

    def chain(self, parts: ChainParts) -> None:
        """Add to the parts of the host's chain."""


@lru_cache(maxsize=MOST_ALIKE)
def route_parts(policies: tuple[Policy, ...]) -> RouteParts | None:
    """Collect what policies add to a route; None if there are no policies."""
    if not policies:
        return None
    parts = RouteParts()
    for policy in _all(policies):
        policy.route(parts)
    return parts


def host_parts(policies: tuple[Policy, ...], host: str) -> HostParts | None:
    """Collect what policies add to a host; None if there are no policies."""
    if not policies:
        return None
    parts = HostParts(host)
    for policy in _all(policies):
        policy.host(parts)
    return parts


@lru_cache(maxsize=MOST_ALIKE)
def cluster_parts(policies: tuple[Policy, ...]) -> ClusterParts | None:
    """Collect what policies add to a Cluster; None if there are no policies."""
    if not policies:
        return None
    parts = ClusterParts()
    for policy in _all(policies):
        policy.cluster(parts)
    return parts


def chain_policies(policies: tuple[Policy, ...]) -> tuple[ChainPolicy, ...]:
    """Return the policies that need a filter chain of the host's own."""
    return tuple(policy for policy in policies if isinstance(policy, ChainPolicy))


def chain_parts(
    policies: Iterable[ChainPolicy],
    host: str,
    tls: ServerTls,
    root: Forward | None,
    authorities: Callable[[Ref], AuthoritiesReading],
) -> ChainParts:
    """Collect what policies add to the chain of a host, as `ChainParts` describes it."""
    parts = ChainParts(host, tls, root, authorities)
    for policy in policies:
        policy.chain(parts)
    return parts


def listener_parts(policies: tuple[Policy, ...]) -> ListenerParts | None:
    """Collect what policies add to a listener; None if there are no policies."""
    if not policies:
        return None
    parts = ListenerParts()
    for policy in _all(policies):
        policy.listener(parts)
    return parts


def _all(policies: Iterable[Policy]) -> Iterator[EnvoyPolicy]:
    for policy in policies:
        if not isinstance(policy, EnvoyPolicy):
            raise TypeError(f"{type(policy).__name__} does not say what it adds")
        yield policy
