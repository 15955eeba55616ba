"""What one API server may take of fleetgate: time, bytes and objects.

Members are run by others, and nothing that one of them sends may be felt by the hub or by another
member. A server that goes beyond a bound is out of reach until it no longer does; what it held
stays in force.
"""

from dataclasses import dataclass
from typing import Final

MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds for one API server. Times are in seconds, sizes in bytes after decompression.

    `connect` is the time for a connection, TLS included. `silence` is how long an answer may take
    to begin, its connection included, and then to go on. `watch_silence` is how long a watch may
    say nothing, where API servers send a bookmark each minute. `quiet` is how long nothing may come
    from a server before it is asked whether it is there. `page` is the time for one page of a list,
    `listing` for all of it.

    `answer` bounds a whole answer, `item` one object of a list, `refusal` what is read of an answer
    that is no success. `line` and `line_time` bound one line of a watch.

    `objects` bounds what a collection may hold; an endpoint counts as an object, and so do 8 labels
    and each KiB of text. `pages` bounds the answers that make up a list.

    `units` bounds how fast the lines of all watches are read: lines or KiB a second, whichever is
    more, after `burst` of them. A server that is faster waits.
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
    """A number of bytes for people."""
    if count >= MIB:
        return f"{count // MIB} MiB"
    return f"{count // 1024} KiB" if count % 1024 == 0 else f"{count} bytes"
