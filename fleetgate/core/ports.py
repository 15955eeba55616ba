"""A check of a port before this process, or an Envoy that it starts, listens on it."""

import socket


def why_taken(address: str, port: int) -> OSError | None:
    """Return the error of listening on a port, None where this process can listen on it.

    gRPC does not report the reason of such an error. Envoy would even share the port with another
    Envoy by SO_REUSEPORT, and each of the two would get half of the requests.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe:
        # Listeners set this option too. Without it, closing connections of an ended listener would
        # make the port look taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as e:
            return e
    return None
