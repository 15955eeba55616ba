"""The limit of files, sockets included, that this process may have open."""

import resource
from contextlib import suppress
from typing import Final

MOST: Final = 1 << 20
"""The limit that is taken where the system sets none."""


def raise_limit() -> int:
    """Raise the soft limit to the hard limit, and return the limit that holds.

    Shells set a soft limit of 1024, for old programs that cannot handle more files.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST if hard == resource.RLIM_INFINITY else hard
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):  # macOS refuses some limits below the hard limit
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
    return MOST if soft == resource.RLIM_INFINITY else soft
