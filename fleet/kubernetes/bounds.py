"""Bounds on the time, bytes and objects that one API server may cost fleetgate.

Members are run by other people, and nothing that one of them sends may affect the hub or another
member. A server that goes beyond a bound counts as unreachable until it keeps within it. The
objects that were read from it stay in force.
"""

from dataclasses import dataclass
from typing import Final

MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds for one API server. Times are in seconds, sizes in bytes after decompression.

    `connect` is the time for a connection, with its TLS handshake. `silence` bounds the time until
    an answer begins, from before the connection is made, and then each pause in it. `watch_silence`
    bounds a pause of a watch, in which API servers send a bookmark each minute. After `quiet`
    without any byte from a server, a small request tests whether it answers. `page` is the time for
    one page of a list, `listing` the time for the whole list.

    `answer` bounds a whole answer, and `item` one object of a list. Of an answer that is no
    success, only the first `refusal` bytes are read. `line` and `line_time` bound one line of a
    watch.

    `objects` bounds the objects of a collection. Each endpoint, each 8 labels and each KiB of text
    count as one more object. `pages` bounds the pages of a list.

    `units` bounds the speed at which the lines of all watches are read, after a first `burst`. It
    counts lines or KiB a second, whichever is more. A server that sends faster has to wait.
    """

    connect: float = 5.0
    silence: float = 8.0
    watch_silence: float = 90.0
    quiet: float = 12.0
    page: float = 60.0
    listing: float = 300.0
    answer: int = 64 * MIB
    item: int = 4 * MIB
    refusal: int = 64 * 1024
    line: int = 4 * MIB
    line_time: float = 30.0
    objects: int = 200_000
    pages: int = 2_000
    units: float = 5_000.0
    burst: float = 20_000.0


def size(count: int) -> str:
    """A number of bytes as text, such as "64 MiB"."""
    if count >= MIB:
        return f"{count // MIB} MiB"
    return f"{count // 1024} KiB" if count % 1024 == 0 else f"{count} bytes"
