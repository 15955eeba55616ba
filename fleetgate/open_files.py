"""How many files this process may have open, sockets among them."""

import resource
from contextlib import suppress
from typing import Final

MOST: Final = 1 << 20
"""More than that is nowhere needed, and nowhere allowed but where it is unlimited."""


def raise_limit() -> int:
    """Have as many as are allowed; gives the number.

    Shells begin with 1024, for the sake of programs that cannot deal with more.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST if hard == resource.RLIM_INFINITY else hard
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):  # macOS allows less than it says
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
    return MOST if soft == resource.RLIM_INFINITY else soft
