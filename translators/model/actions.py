"""Actions: a request is forwarded to backends, answered by the gateway itself, or redirected."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from translators.model.backends import Backend, Target
from translators.model.policy import Policy


@dataclass(frozen=True, slots=True)
class Share:
    """A target, and its weight among all shares of the same action.

    `policies` hold for the requests that go to this target.
    """

    target: Target
    weight: int
    policies: tuple[Policy, ...] = ()


@dataclass(frozen=True, slots=True)
class Forward:
    """Forward the request to one of the targets. A weight counts relative to the sum of all."""

    shares: tuple[Share, ...]

    def each(self, change: Callable[[Backend], Backend]) -> "Forward":
        """Return a Forward with the same weights, in which `change` has replaced every backend."""
        return self.each_share(
            lambda share: replace(share, target=Target(tuple(map(change, share.target.backends))))
        )

    def each_share(self, change: Callable[[Share], Share]) -> "Forward":
        """Return a Forward in which `change` has replaced every share."""
        return Forward(tuple(map(change, self.shares)))

    def behind(self, backend: Backend) -> "Forward":
        """Return a Forward in which the backend follows those of every target."""
        return Forward(
            tuple(
                replace(share, target=Target((*share.target.backends, backend)))
                for share in self.shares
            )
        )

    @property
    def first(self) -> "Forward":
        """The same without the backends behind the first one of each target."""
        return Forward(
            tuple(replace(share, target=Target(share.target.backends[:1])) for share in self.shares)
        )


@dataclass(frozen=True, slots=True)
class FixedResponse:
    """Answer the request at the gateway, without a backend.

    Without a `content_type`, the body is plain text.
    """

    status: int
    body: str = ""
    content_type: str = ""


@dataclass(frozen=True, slots=True)
class Redirect:
    """Redirect the client to a URL. An empty part of it stays as the client has asked for it.

    A new host has no port unless `port` gives one. A new path may have a query. If it has none, the
    query of the request stays, unless `keeps_query` is False. With `extends`, each `\\1` in the new
    path stands for the path of the request.
    """

    status: int = 308
    scheme: str = ""
    host: str = ""
    port: int = 0
    path: str = ""
    keeps_query: bool = True
    extends: bool = False


Action: TypeAlias = Forward | FixedResponse | Redirect


def size_of(action: Action) -> int:
    """Count the backends that an action names. An action without backends counts as one."""
    if not isinstance(action, Forward):
        return 1
    if len(action.shares) == 1:
        return len(action.shares[0].target.backends)
    return sum(len(share.target.backends) for share in action.shares)
