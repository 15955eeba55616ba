"""Python's cycle collector, set up for a process that loads a fleet and then keeps it.

It looks at all objects again and again while their number grows, and nearly none of a fleet's are
garbage: with the defaults, more than half of the start is spent there (2.9 of 5.6 s of CPU with
5000 hosts), and later a pass over everything delays a change by tens of milliseconds.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_WHILE_LOADING: Final = 4_000_000  # a fleet of 15,000 hosts; a pass over it takes seconds
_AFTERWARDS: Final = 20_000
"""Objects more than at the last pass over the young ones, before there is another."""


@contextmanager
def much_is_kept() -> Iterator[None]:
    """Load in the block; what is there at its end is not looked at again.

    For a whole process: a library that is used in another one leaves this alone.
    """
    _, middle, old = gc.get_threshold()
    gc.set_threshold(_WHILE_LOADING, middle, old)
    try:
        yield
    finally:
        gc.freeze()
        gc.set_threshold(_AFTERWARDS, middle, old)
