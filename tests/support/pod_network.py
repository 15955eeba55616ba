"""Addresses for Pods that are not loopback, which an API server refuses in EndpointSlices."""

from collections.abc import Iterable, Sequence
from typing import Final

from fleetgate.demo.network import NoAddressError
from tests.support.netns import Namespace

_EACH: Final = 60


class PodNetwork:
    """The network of Pods in a network namespace: 60 addresses for each of four members."""

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace
        self._members: dict[str, int] = {}

    @property
    def enter(self) -> Sequence[str]:
        return self._namespace.enter

    def addresses(self, member: str) -> Iterable[str]:
        first = self._members.setdefault(member, len(self._members)) * _EACH + 1
        if first + _EACH > 255:
            raise NoAddressError(f"no addresses are left for {member}")
        return (f"{self._namespace.pods}{number}" for number in range(first, first + _EACH))

    def is_free(self, address: str, ports: Sequence[int]) -> bool:
        """True, since no other process uses these addresses."""
        return True

    def port(self, wanted: int) -> int:
        return wanted
