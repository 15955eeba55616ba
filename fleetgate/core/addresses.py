"""The addresses on which gateways listen.

Where each Envoy has a host of its own, all gateways listen on the given address. So all replicas
agree, also after a restart. Where all Envoys share one host, their ports may be equal, so the first
gateway takes the given address, and each further gateway the next one. There a gateway keeps its
address while it is declared, and a new gateway takes the lowest free address.
"""

import ipaddress
from collections.abc import Iterable

from fleet.ref import Ref


class Addresses:
    """Assigns `first` to every gateway, or on `one_host` the addresses from `first` upwards."""

    def __init__(self, first: str, *, one_host: bool) -> None:
        self._first = ipaddress.ip_address(first)
        self._shared = not one_host or self._first.is_unspecified
        self._taken: dict[Ref, int] = {}

    def assign(self, gateways: Iterable[Ref]) -> dict[Ref, str]:
        """Return the address of each gateway, and free the addresses of all others.

        New gateways take addresses in the order of their names, so that a fleet gets the same
        addresses at each start. All gateways share an unspecified address (0.0.0.0).
        """
        wanted = set(gateways)
        if self._shared:
            return dict.fromkeys(sorted(wanted), str(self._first))
        self._taken = {ref: number for ref, number in self._taken.items() if ref in wanted}
        free = (n for n in range(len(wanted)) if n not in set(self._taken.values()))
        for ref in sorted(wanted - self._taken.keys()):
            self._taken[ref] = next(free)
        return {ref: str(self._first + number) for ref, number in sorted(self._taken.items())}
