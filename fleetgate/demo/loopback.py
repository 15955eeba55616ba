"""Loopback addresses for Pods, which no two Pods and no two fleets on one host share.

Linux answers to all of 127.0.0.0/8 without configuration. A fleet reserves a block 127.N.0.0/16 by
a UDP socket on its first address, which the system closes however the process ends. A Pod's address
is 127.N.MEMBER.POD, where both numbers count from 1.
"""

import errno
import itertools
import socket
from collections.abc import Iterable, Sequence

from fleetgate.demo.backend import listen
from fleetgate.demo.network import NoAddressError

_HOLDING_PORT = 10250  # the kubelet's own
_FIRST_BLOCK, _LAST_BLOCK = 10, 250
_LARGEST = 254


class Loopback:
    """The block of addresses of one fleet, until `close`."""

    enter: Sequence[str] = ()

    def __init__(self) -> None:
        self._hold, self._block = _take_block()
        self._members: dict[str, int] = {}
        self._ports: dict[int, int] = {}

    def close(self) -> None:
        """Free the block."""
        self._hold.close()

    def addresses(self, member: str) -> Iterable[str]:
        """Return the addresses of a member in the order in which Pods take them."""
        number = self._members.setdefault(member, len(self._members) + 1)
        if number > _LARGEST:
            raise NoAddressError(f"more than {_LARGEST} members do not fit into one fleet's block")
        return (f"127.{self._block}.{number}.{pod}" for pod in range(1, _LARGEST + 1))

    def port(self, wanted: int) -> int:
        """Return the port on which Pods listen in place of `wanted`, which is `wanted` if possible.

        Another port takes its place where a process listens on it on all addresses, or where it is
        privileged.
        """
        if wanted not in self._ports:
            self._ports[wanted] = self._open_port(wanted)
        return self._ports[wanted]

    def is_free(self, address: str, ports: Sequence[int]) -> bool:
        """Return whether a Pod can listen on all of these ports."""
        try:
            for port in ports:
                listen(address, port).close()
        except OSError:
            return False
        return True

    def _open_port(self, wanted: int) -> int:
        like_it = range(wanted % 10000 + 10000, 65536, 10000)
        for port in itertools.chain([wanted], like_it):
            try:
                listen(f"127.{self._block}.0.1", port).close()
            except OSError as error:
                if error.errno not in {errno.EADDRINUSE, errno.EACCES}:
                    raise
            else:
                return port
        raise NoAddressError(
            f"port {wanted} is taken on all addresses of this host, and so are the ports like it:"
            " end what listens on it"
        )


def _take_block() -> tuple[socket.socket, int]:
    for block in range(_FIRST_BLOCK, _LAST_BLOCK + 1):
        hold = socket.socket(type=socket.SOCK_DGRAM)
        try:
            hold.bind((f"127.{block}.0.1", _HOLDING_PORT))
        except OSError as error:
            hold.close()
            if error.errno == errno.EADDRNOTAVAIL:
                raise NoAddressError(
                    "this system does not answer to all of 127.0.0.0/8: the demo needs Linux"
                ) from error
        else:
            return hold, block
    raise NoAddressError(
        f"UDP port {_HOLDING_PORT} is taken on every address from 127.{_FIRST_BLOCK}.0.1 to"
        f" 127.{_LAST_BLOCK}.0.1: end the other demos on this host"
    )
