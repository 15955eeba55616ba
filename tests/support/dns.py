"""A DNS server for tests, which answers from a table that a test may change."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final, cast

_TYPE_A: Final = 1
_ANSWER: Final = 0x8180
_UNKNOWN: Final = 0x8183
_LIFETIME: Final = 1


class Names(asyncio.DatagramProtocol):
    """The IPv4 addresses of names. Others are unknown; about `silent` ones nothing is said.

    An answer comes after `delay` seconds. `asked` holds the names in the order in which clients
    have asked for them.
    """

    def __init__(
        self,
        addresses: Mapping[str, Sequence[str]],
        silent: Sequence[str] = (),
        delay: float = 0,
    ) -> None:
        self.addresses = dict(addresses)
        self.silent = set(silent)
        self.delay = delay
        self.asked: list[str] = []
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the socket."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        """Answer a question."""
        labels, at = [], 12
        while length := data[at]:
            labels.append(data[at + 1 : at + 1 + length].decode())
            at += 1 + length
        question = data[12 : at + 5]
        (kind,) = struct.unpack_from(">H", data, at + 1)
        name = ".".join(labels).lower()
        self.asked.append(name)
        if name in self.silent or self._transport is None:
            return
        known = name in self.addresses
        found = self.addresses.get(name, ()) if kind == _TYPE_A else ()
        head = struct.pack(
            ">2sHHHHH", data[:2], _ANSWER if known else _UNKNOWN, 1, len(found), 0, 0
        )
        records = [
            struct.pack(">HHHIH4s", 0xC00C, _TYPE_A, 1, _LIFETIME, 4, socket.inet_aton(address))
            for address in found
        ]
        answer = b"".join((head, question, *records))
        asyncio.get_running_loop().call_later(self.delay, self._send, answer, addr)

    def _send(self, answer: bytes, addr: tuple[str | object, int]) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(answer, addr)


@asynccontextmanager
async def dns_server(place: socket.socket, names: Names) -> AsyncIterator[Names]:
    """Answer questions that come to a UDP socket while the block runs."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: names, sock=place)
    try:
        yield names
    finally:
        transport.close()
