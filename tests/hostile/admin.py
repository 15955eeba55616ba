"""Attacks on the admin HTTP."""

import contextlib
import socket
from typing import Final

from tests.hostile.target import Target, is_closed

_CONNECTIONS: Final = 2000


def slow_requests(target: Target) -> str:
    """Requests that never end, on thousands of connections, each a little longer now and then."""
    connections: list[socket.socket] = []
    for _ in range(_CONNECTIONS):
        with contextlib.suppress(OSError):
            connections.append(target.connect(target.admin_port))
    for _ in range(5):
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.sendall(b"GET /status HTTP/1.1\r\nX: ")
    kept = sum(not is_closed(connection) for connection in connections)
    return f"{kept} kept"
