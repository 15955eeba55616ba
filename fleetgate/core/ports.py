"""Ports that this process wants to listen on."""

import socket


def why_taken(address: str, port: int) -> OSError | None:
    """Why nobody can listen there now; None where one can.

    gRPC keeps the reason to itself, and Envoy would share the port with another Envoy
    (SO_REUSEPORT), which would get half of the requests.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe:
        # As listeners do, so that connections of one that has just ended do not count as taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as e:
            return e
    return None
