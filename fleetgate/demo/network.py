"""Where Pods live: what a kubelet has to know of the network that gives them addresses."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from fleetgate.errors import OperatorError


class NoAddressError(OperatorError):
    """This host has no address or port left for Pods."""


class Network(Protocol):
    """Addresses for the Pods of one fleet. Raises NoAddressError where there are none left."""

    @property
    def enter(self) -> Sequence[str]:
        """The words in front of a command that make it run there, none if it does by itself."""
        ...

    def addresses(self, member: str) -> Iterable[str]:
        """Give the member's addresses in the order in which Pods take them."""
        ...

    def is_free(self, address: str, ports: Sequence[int]) -> bool:
        """Whether nobody else listens there."""
        ...

    def port(self, wanted: int) -> int:
        """Give the port that stands for `wanted` throughout the fleet."""
        ...
