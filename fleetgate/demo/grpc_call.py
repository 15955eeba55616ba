"""A gRPC call of the health service through a gateway, over TLS."""

from collections.abc import Mapping
from dataclasses import dataclass

import grpc
import grpc.aio

from fleetgate.demo.grpc_backend import CHECK, SERVING
from fleetgate.demo.http import Address, NoAnswerError

_PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class Called:
    """What a call gave: whether the backend says that it serves, and the Pod that said so."""

    serving: bool
    pod: str


async def check(address: Address, host: str, certificate: bytes) -> Called:
    """Call `Check` once. Only this certificate (PEM) is trusted. Raises NoAnswerError."""
    options = [("grpc.default_authority", host), ("grpc.ssl_target_name_override", host)]
    credentials = grpc.ssl_channel_credentials(certificate)
    target = "{}:{}".format(*address)
    async with grpc.aio.secure_channel(target, credentials, options) as channel:
        method: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(CHECK)
        call = method(b"", timeout=_PATIENCE)
        try:
            answer = await call
        except grpc.aio.AioRpcError as error:
            raise NoAnswerError(f"{error.code().name}: {error.details()}") from error
        said: Mapping[str, str | bytes] = dict(await call.initial_metadata() or ())
    return Called(answer == SERVING, str(said.get("x-pod", "")))
