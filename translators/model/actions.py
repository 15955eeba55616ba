"""What answers a request."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from translators.model.backends import Backend, Target


@dataclass(frozen=True, slots=True)
class Share:
    """A target and its weight among its neighbours."""

    target: Target
    weight: int


@dataclass(frozen=True, slots=True)
class Forward:
    """Send the request on; weights are shares of their sum."""

    shares: tuple[Share, ...]

    def each(self, change: Callable[[Backend], Backend]) -> "Forward":
        """The same shares of changed backends."""
        return Forward(
            tuple(
                Share(Target(tuple(map(change, share.target.backends))), share.weight)
                for share in self.shares
            )
        )


@dataclass(frozen=True, slots=True)
class FixedResponse:
    """Answer without a backend."""

    status: int
    body: str = ""


@dataclass(frozen=True, slots=True)
class Redirect:
    """Send the client to https for good (308), at `host` or, where that is "", at the one it asked.

    Path and query stay as they are.
    """

    host: str = ""


Action: TypeAlias = Forward | FixedResponse | Redirect


def size_of(action: Action) -> int:
    """How many backends it names; what answers by itself counts as one."""
    if not isinstance(action, Forward):
        return 1
    if len(action.shares) == 1:
        return len(action.shares[0].target.backends)
    return sum(len(share.target.backends) for share in action.shares)
