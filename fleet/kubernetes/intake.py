"""What is taken in of an answer, counted while it is read.

aiohttp decompresses in pieces of bounded size, and reads no more of a connection than is asked for.
So what a server has yet to send takes memory of its own side only.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import TypeAlias

import aiohttp

from fleet.kubernetes.bounds import Bounds, size

Lines: TypeAlias = AsyncIterator[bytes]


class TooMuch(Exception):
    """A server sends more than is taken; the text says of what."""


async def whole(response: aiohttp.ClientResponse, most: int) -> bytes:
    """The body of an answer. Raises TooMuch, and what aiohttp raises."""
    if (response.content_length or 0) > most:
        raise TooMuch(_more_than(most, "one answer"))
    taken = bytearray()
    async for chunk in response.content.iter_any():
        taken += chunk
        if len(taken) > most:
            raise TooMuch(_more_than(most, "one answer"))
        await asyncio.sleep(0)  # what is there already comes without a turn for anybody else
    return bytes(taken)


async def beginning(response: aiohttp.ClientResponse, most: int) -> bytes:
    """The body of an answer as far as it is of interest. Raises what aiohttp raises."""
    taken = bytearray()
    async for chunk in response.content.iter_any():
        taken += chunk
        if len(taken) >= most:
            break
    return bytes(taken[:most])


async def lines(response: aiohttp.ClientResponse, bounds: Bounds, pace: "Pace") -> Lines:
    """Split a body at line feeds; the rest of a body that is cut is no line.

    Raises TooMuch, and what aiohttp raises.
    """
    clock = asyncio.get_running_loop().time
    rest = bytearray()
    since = clock()
    async for chunk in response.content.iter_any():
        rest += chunk
        if b"\n" in chunk:
            *whole_lines, last = bytes(rest).split(b"\n")
            rest, since = bytearray(last), clock()
            for line in whole_lines:
                _check(line, bounds)
                if (wait := pace.take(len(line))) > 0:
                    await asyncio.sleep(wait)
                yield line
        await asyncio.sleep(0)
        _check(rest, bounds)
        if rest and clock() - since > bounds.line_time:
            raise TooMuch(f"a line of its watch has no end after {bounds.line_time:g} s")


def _check(line: bytes | bytearray, bounds: Bounds) -> None:
    if len(line) > bounds.line:
        raise TooMuch(_more_than(bounds.line, "one line of a watch"))


def _more_than(most: int, where: str) -> str:
    return f"it sends more than {size(most)} in {where}"


class Pace:
    """How fast the lines of one server are taken, so that none has the event loop to itself."""

    def __init__(self, bounds: Bounds) -> None:
        self._rate = bounds.units
        self._burst = bounds.burst
        self._spent = 0.0
        self._at = 0.0

    def take(self, count: int) -> float:
        """Count a line of so many bytes; seconds for which the reader is to wait."""
        now = asyncio.get_running_loop().time()
        self._spent = max(0.0, self._spent - (now - self._at) * self._rate) + max(1.0, count / 1024)
        self._at = now
        return max(0.0, self._spent - self._burst) / self._rate
