"""The interface of the network from which the kubelet takes addresses for Pods."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from fleetgate.errors import OperatorError


class NoAddressError(OperatorError):
    """This host has no free address or port for Pods."""


class Network(Protocol):
    """The addresses and ports of one fleet's Pods. Methods raise NoAddressError."""

    @property
    def enter(self) -> Sequence[str]:
        """The words in front of a command that run it in this network. They may be none."""
        ...

    def addresses(self, member: str) -> Iterable[str]:
        """Return the addresses of a member in the order in which Pods take them."""
        ...

    def is_free(self, address: str, ports: Sequence[int]) -> bool:
        """Return whether a Pod can listen on all of these ports."""
        ...

    def port(self, wanted: int) -> int:
        """Return the port on which all Pods of the fleet listen in place of `wanted`."""
        ...
