"""What answers a request."""

from dataclasses import dataclass
from typing import TypeAlias

from translators.model.backends import Target


@dataclass(frozen=True, slots=True)
class Share:
    """A target and its weight among its neighbours."""

    target: Target
    weight: int


@dataclass(frozen=True, slots=True)
class Forward:
    """Send the request on; weights are shares of their sum."""

    shares: tuple[Share, ...]


@dataclass(frozen=True, slots=True)
class FixedResponse:
    """Answer without a backend."""

    status: int
    body: str = ""


Action: TypeAlias = Forward | FixedResponse


def size_of(action: Action) -> int:
    """How many backends it names; what answers by itself counts as one."""
    if isinstance(action, FixedResponse):
        return 1
    if len(action.shares) == 1:
        return len(action.shares[0].target.backends)
    return sum(len(share.target.backends) for share in action.shares)
