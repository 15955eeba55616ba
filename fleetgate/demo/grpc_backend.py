"""The process of one Pod that speaks gRPC: the health service that every gRPC tool can call.

    $ python -m fleetgate.demo.grpc_backend --address 127.10.1.1 --port 5000 --pod health-1
    listening on 127.10.1.1:5000

Its options are those of `fleetgate.demo.backend`. It answers every call of `Check` with SERVING.
"""

import os
import signal
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import grpc

from fleetgate.demo.backend import read_arguments

CHECK: Final = "/grpc.health.v1.Health/Check"
SERVING: Final = b"\x08\x01"
"""The message `HealthCheckResponse{status: SERVING}`."""


@dataclass(frozen=True, slots=True)
class _Health(grpc.GenericRpcHandler):
    """Answers `Check`. The metadata of the answer names the Pod."""

    pod: str
    member: str

    def service(
        self, details: grpc.HandlerCallDetails
    ) -> "grpc.RpcMethodHandler[bytes, bytes] | None":
        return grpc.unary_unary_rpc_method_handler(self._check) if details.method == CHECK else None

    def _check(self, _: bytes, context: "grpc.ServicerContext") -> bytes:
        context.send_initial_metadata((("x-pod", self.pod), ("x-member", self.member)))
        return SERVING


def main(argv: Sequence[str] | None = None) -> int:
    """Serve one Pod. Return 2 where the process cannot listen on its address."""
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.SIG_DFL)
    arguments = read_arguments(argv)
    places = [f"{arguments.address}:{port}" for port in arguments.port]
    server = grpc.server(ThreadPoolExecutor(4), options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers((_Health(arguments.pod, arguments.member),))
    try:
        for place in places:
            server.add_insecure_port(place)
    except RuntimeError as error:
        print(f"cannot listen on {place}: {error}", file=sys.stderr)  # noqa: T201 (this is a program)
        return 2
    server.start()
    print("listening on", *places, flush=True)  # noqa: T201 (this is a program)
    if not arguments.until_eof:
        server.wait_for_termination()
    while os.read(sys.stdin.fileno(), 1):
        pass
    server.stop(None)
    return 0


if __name__ == "__main__":
    sys.exit(main())
