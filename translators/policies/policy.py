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
    EntryParts,
    HostParts,
    ListenerParts,
    RouteParts,
    TableParts,
)
from translators.model.actions import Forward
from translators.model.authorities import AuthoritiesReading
from translators.model.backends import Backend, Outside, Target
from translators.model.credentials import Credentials
from translators.model.passwords import PasswordFile, Passwords
from translators.model.policy import Policy, Scope
from translators.model.tls import ServerTls

MOST_ALIKE: Final = 1024
"""The number of policy sets whose parts are cached. Many routes have the same set."""


class EnvoyPolicy(Policy):
    """The base class of policies. Each method adds nothing unless a policy overrides it."""

    @property
    def needs(self) -> PasswordFile | None:
        """The Secret whose passwords it needs, if any."""
        return None

    @property
    def asks(self) -> Target | Outside | None:
        """The service that it asks about each request, if any."""
        return None

    def given(self, passwords: Passwords) -> Policy:
        """Return the policy with the passwords that it needs."""
        return self

    def entry(self, parts: EntryParts) -> None:
        """Add to the parts of a weighted backend of the Ingress that asks for the policy."""

    def route(self, parts: RouteParts) -> None:
        """Add to the parts of a route of the Ingress that asks for the policy."""

    def host(self, parts: HostParts) -> None:
        """Add to the parts of a host."""

    def cluster(self, parts: ClusterParts) -> None:
        """Add to the parts of a Cluster of the Service."""

    def table(self, parts: TableParts) -> None:
        """Add to the parts of all route tables of a listener."""

    def listener(self, parts: ListenerParts) -> None:
        """Add to the parts of each listener of the gateway."""


class ChainPolicy(EnvoyPolicy):
    """The base class of policies of a host that needs a filter chain of its own.

    The handshake chooses a chain by the server name, so a rule without a host has none. `without`
    is the effect on a host without a chain, and `without_host` on rules without a host, where it is
    another one. `sends_on` says that it sends connections to the backend of the path `/`.
    """

    scope: ClassVar[Scope] = Scope.HOST
    without: ClassVar[str] = "no effect there"
    without_host: ClassVar[str] = ""
    sends_on: ClassVar[bool] = False

    @property
    def authorities(self) -> Iterator[Ref]:
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


@lru_cache(maxsize=MOST_ALIKE)
def entry_parts(policies: tuple[Policy, ...]) -> EntryParts | None:
    """Collect what policies add to a weighted backend; None if there are no policies."""
    if not policies:
        return None
    parts = EntryParts()
    for policy in _all(policies):
        policy.entry(parts)
    return parts


@lru_cache(maxsize=MOST_ALIKE)
def table_parts(policies: tuple[Policy, ...]) -> TableParts | None:
    """Collect what policies add to the route tables of a listener; None without policies."""
    if not policies:
        return None
    parts = TableParts()
    for policy in _all(policies):
        policy.table(parts)
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
def cluster_parts(
    policies: tuple[Policy, ...], credentials: tuple[tuple[Ref, Credentials | None], ...] = ()
) -> ClusterParts | None:
    """Collect what policies add to a Cluster; None if there are no policies.

    `credentials` are those of the Secrets that the policies name.
    """
    if not policies:
        return None
    parts = ClusterParts(dict(credentials))
    for policy in _all(policies):
        policy.cluster(parts)
    return parts


def chain_policies(policies: tuple[Policy, ...]) -> tuple[ChainPolicy, ...]:
    """Return the policies that need a filter chain of the host's own."""
    return tuple([policy for policy in policies if isinstance(policy, ChainPolicy)])


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


def needs_of(policies: Iterable[Policy]) -> Iterator[PasswordFile]:
    """Yield the Secrets whose passwords the policies need."""
    return (needs for policy in _all(policies) if (needs := policy.needs))


def services_of(policies: Iterable[Policy]) -> Iterator[Target | Outside]:
    """Yield the services that the policies ask about each request."""
    return (asks for policy in _all(policies) if (asks := policy.asks))


def asked_by(policies: Iterable[Policy]) -> Iterator[Backend]:
    """Yield the backends of the fleet that the policies ask about each request."""
    services = (each for each in services_of(policies) if isinstance(each, Target))
    return (backend for target in services for backend in target.backends)


def without_asking(policies: tuple[Policy, ...]) -> tuple[Policy, ...]:
    """Leave out the policies that ask a service about each request."""
    return tuple(policy for policy in _all(policies) if not policy.asks)


def with_passwords(
    policies: tuple[Policy, ...], of: Callable[[PasswordFile], Passwords]
) -> tuple[Policy, ...]:
    """Give the policies the passwords that they need."""
    if not policies or not any(True for _ in needs_of(policies)):
        return policies
    return tuple(p.given(of(p.needs)) if p.needs else p for p in _all(policies))


def _all(policies: Iterable[Policy]) -> Iterator[EnvoyPolicy]:
    for policy in policies:
        if not isinstance(policy, EnvoyPolicy):
            raise TypeError(f"{type(policy).__name__} does not say what it adds")
        yield policy
