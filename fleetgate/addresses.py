"""Which address each gateway listens on when several share one host.

The first takes the address given, each further one the next: their ports may well be the
same. A gateway keeps its address while it lives; a free one goes to the next newcomer.
"""

import ipaddress
from collections.abc import Iterable

from fleet.ref import Ref


class Addresses:
    """Addresses from `first` upwards, one for each gateway."""

    def __init__(self, first: str) -> None:
        self._first = ipaddress.ip_address(first)
        self._taken: dict[Ref, int] = {}

    def assign(self, gateways: Iterable[Ref]) -> dict[Ref, str]:
        """The address of each gateway; those that are no longer named give theirs up.

        Newcomers are served in the order of their names, so that the same fleet gets the same
        addresses whenever it starts. All of them share an unspecified address (0.0.0.0).
        """
        wanted = set(gateways)
        self._taken = {ref: number for ref, number in self._taken.items() if ref in wanted}
        free = (n for n in range(len(wanted)) if n not in set(self._taken.values()))
        for ref in sorted(wanted - self._taken.keys()):
            self._taken[ref] = next(free)
        if self._first.is_unspecified:
            return dict.fromkeys(sorted(wanted), str(self._first))
        return {ref: str(self._first + number) for ref, number in sorted(self._taken.items())}
