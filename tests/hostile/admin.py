"""Attacks on the admin HTTP."""

import contextlib
import socket
from typing import Final

from tests.hostile.target import Target

_CONNECTIONS: Final = 3000


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
    open_ = sum(_is_open(connection) for connection in connections)
    return f"{open_} of {_CONNECTIONS} are open"


def _is_open(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return bool(connection.recv(1))
    except BlockingIOError:
        return True
    except OSError:
        return False
