"""A question to a QUIC server that needs no QUIC client: which versions it speaks.

A server answers a packet of a version that it does not know with the list of those that it knows
(RFC 9000, section 6.1). Such an answer shows that QUIC is served there, and no more than that.
"""

import asyncio
import secrets
from typing import Final

from fleetgate.demo.http import Address, NoAnswerError

QUIC_VERSION_1: Final = 1
"""The version of RFC 9000, on which HTTP/3 stands."""

_UNKNOWN: Final = bytes.fromhex("1a2a3a4a")
"""A version that is reserved, so that every server answers it in this way."""

_LOW_HALVES: Final = 0x0F0F0F0F
_RESERVED: Final = 0x0A0A0A0A
"""The lower halves of the bytes of a reserved version. Servers list one that they do not speak."""

_SIZE: Final = 1200
"""The size of the packet in bytes. Servers ignore smaller ones."""

_TRIES: Final = 10
_PATIENCE: Final = 1.0
"""Seconds to wait for each answer, since a packet may be lost."""


class _Asking(asyncio.DatagramProtocol):
    """Takes the first datagram that comes back."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, addr: object) -> None:
        if not self.answer.done():
            self.answer.set_result(data)


async def versions(address: Address) -> tuple[int, ...]:
    """Return the versions of QUIC that a server speaks. Raises NoAnswerError."""
    loop = asyncio.get_running_loop()
    transport, asking = await loop.create_datagram_endpoint(_Asking, remote_addr=address)
    try:
        for _ in range(_TRIES):
            transport.sendto(_packet())
            done, _waiting = await asyncio.wait([asking.answer], timeout=_PATIENCE)
            if done:
                return _listed(asking.answer.result())
    finally:
        transport.close()
    raise NoAnswerError(f"no answer from UDP port {address[1]} in {_TRIES * _PATIENCE:g} s")


def _packet() -> bytes:
    """Return a long header with two connection IDs, filled up with zeros."""
    ids = b"".join(bytes([8]) + secrets.token_bytes(8) for _ in ("server", "client"))
    return (b"\xc0" + _UNKNOWN + ids).ljust(_SIZE, b"\0")


def _listed(answer: bytes) -> tuple[int, ...]:
    """Return the versions in a Version Negotiation packet. Raises NoAnswerError."""
    at = 5
    for _ in ("server", "client"):
        at += 1 + (answer[at] if at < len(answer) else 0)
    if not answer[:1] >= b"\x80" or answer[1:5] != bytes(4):
        raise NoAnswerError("the answer is none of QUIC")
    words = (answer[start : start + 4] for start in range(at, len(answer) - 3, 4))
    numbers = (int.from_bytes(word) for word in words)
    return tuple(number for number in numbers if number & _LOW_HALVES != _RESERVED)
