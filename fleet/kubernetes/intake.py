"""Reads the body of an answer, and stops when it is larger than a bound.

aiohttp decompresses in pieces of bounded size, and reads from a connection only as much as is asked
for. So a body that is too large takes no memory here beyond the bound.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import TypeAlias

import aiohttp

from fleet.kubernetes.bounds import Bounds, size

Lines: TypeAlias = AsyncIterator[bytes]


class TooMuch(Exception):
    """A server sends more than a bound; the text says which one."""


async def whole(response: aiohttp.ClientResponse, most: int) -> bytes:
    """The body of an answer. Raises TooMuch, and what aiohttp raises."""
    if (response.content_length or 0) > most:
        raise TooMuch(_more_than(most, "one answer"))
    taken = bytearray()
    async for chunk in response.content.iter_any():
        taken += chunk
        if len(taken) > most:
            raise TooMuch(_more_than(most, "one answer"))
        await asyncio.sleep(0)  # chunks that have arrived come without a turn for other tasks
    return bytes(taken)


async def beginning(response: aiohttp.ClientResponse, most: int) -> bytes:
    """At most the first `most` bytes of the body of an answer. Raises what aiohttp raises."""
    taken = bytearray()
    async for chunk in response.content.iter_any():
        taken += chunk
        if len(taken) >= most:
            break
    return bytes(taken[:most])


async def lines(response: aiohttp.ClientResponse, bounds: Bounds, pace: "Pace") -> Lines:
    """The lines of a body. What comes after the last line feed is no line.

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
    """Slows down the reading of one server's lines, so that it does not fill the event loop."""

    def __init__(self, bounds: Bounds) -> None:
        self._rate = bounds.units
        self._burst = bounds.burst
        self._spent = 0.0
        self._at = 0.0

    def take(self, count: int) -> float:
        """Count a line of `count` bytes, and give the seconds for which to wait before the next."""
        now = asyncio.get_running_loop().time()
        self._spent = max(0.0, self._spent - (now - self._at) * self._rate) + max(1.0, count / 1024)
        self._at = now
        return max(0.0, self._spent - self._burst) / self._rate
