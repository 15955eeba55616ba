"""Which address each gateway listens on.

Each on its own host, all of them on the one given: so all replicas say the same, and say it again
after a restart. On one host, the first takes that address, each further one the next: their ports
may well be the same. There a gateway keeps its address while it lives; a free one goes to the next
newcomer.
"""

import ipaddress
from collections.abc import Iterable

from fleet.ref import Ref


class Addresses:
    """The address `first` for each gateway, or on `one_host` those from there upwards."""

    def __init__(self, first: str, *, one_host: bool) -> None:
        self._first = ipaddress.ip_address(first)
        self._shared = not one_host or self._first.is_unspecified
        self._taken: dict[Ref, int] = {}

    def assign(self, gateways: Iterable[Ref]) -> dict[Ref, str]:
        """The address of each gateway; those that are no longer named give theirs up.

        Newcomers are served in the order of their names, so that the same fleet gets the same
        addresses whenever it starts. All of them share an unspecified address (0.0.0.0).
        """
        wanted = set(gateways)
        if self._shared:
            return dict.fromkeys(sorted(wanted), str(self._first))
        self._taken = {ref: number for ref, number in self._taken.items() if ref in wanted}
        free = (n for n in range(len(wanted)) if n not in set(self._taken.values()))
        for ref in sorted(wanted - self._taken.keys()):
            self._taken[ref] = next(free)
        return {ref: str(self._first + number) for ref, number in sorted(self._taken.items())}
