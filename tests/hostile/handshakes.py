"""Attacks on TLS: connections that never finish a handshake, and many that do at once."""

import asyncio
import time
from typing import Final

from envoy_data_plane.envoy.service.discovery import v3 as discovery
from grpc import aio

from fleetgate.certificates.directory import replace_files
from tests.certificates.served import presented, serial
from tests.hostile.target import SERVER_NAME, Target, is_closed, node
from tests.xds.dialogue import AGGREGATED
from xds.resource import TypeUrl

_HALF: Final = bytes.fromhex("16030102000100 01fc")
"""The beginning of a ClientHello."""

_BROKEN: Final = 2000
_PLACES: Final = 256
_CLIENTS: Final = 60
_TIMES: Final = 8


def half_handshakes(target: Target) -> str:
    """Begin handshakes and hang up; no certificate is needed for it. Then ask in earnest."""
    for _ in range(_BROKEN):
        with target.connect(target.xds_port) as connection:
            connection.sendall(_HALF)
    return _served(asyncio.run(_ask(target, "after")))


def open_handshakes(target: Target) -> str:
    """Begin handshakes and let them hang."""
    connections = [target.connect(target.xds_port) for _ in range(_BROKEN)]
    for connection in connections:
        connection.sendall(_HALF)
    answer = _served(asyncio.run(_ask(target, "meanwhile")))
    for connection in connections:
        connection.close()
    return answer


def connections_that_say_nothing(target: Target) -> str:
    """Connect as often as possible, and say nothing: who has no place is hung up on at once."""
    connections = [target.connect(target.xds_port) for _ in range(_BROKEN)]
    kept, end = _BROKEN, time.monotonic() + 5  # before the time of a handshake is over
    while kept > _PLACES and time.monotonic() < end:
        time.sleep(0.05)  # nobody tells of what is hung up
        kept = sum(not is_closed(connection) for connection in connections)
    for connection in connections:
        connection.close()
    return f"{kept} kept"


def reconnecting_together(target: Target) -> str:
    """Honest clients that all come back at once, several times."""

    async def come() -> bool:
        served = True
        for _ in range(_TIMES):
            answers = (_ask(target, f"client-{number}") for number in range(_CLIENTS))
            served = all(await asyncio.gather(*answers)) and served
        return served

    return _served(asyncio.run(come()))


def renewed_meanwhile(target: Target) -> str:
    """The server's certificate is renewed while clients connect all the time."""
    renewed, client = target.renewed, target.certificate
    assert renewed
    assert client
    replace_files(target.server, renewed.files)

    async def is_renewed() -> bool:
        try:
            shown = await presented(target.xds_port, client, SERVER_NAME)
        except OSError:  # in the moment between the old and the new one
            return False
        return shown == serial(renewed)

    async def come() -> bool:
        while True:
            last = await is_renewed()
            answers = (_ask(target, f"client-{number}") for number in range(_CLIENTS))
            if not all(await asyncio.gather(*answers)):
                return False
            if last:
                return True

    return _served(asyncio.run(come()))


async def _ask(target: Target, name: str) -> bool:
    """Whether a client that comes again twice at most is told the gateway's listeners."""
    for _ in range(3):
        if await _asked(target, name):
            return True
    return False


async def _asked(target: Target, name: str) -> bool:
    request = discovery.DeltaDiscoveryRequest(node=node(name), type_url=TypeUrl.LISTENER)
    async with target.aio_channel() as channel, asyncio.timeout(60):
        call: aio.StreamStreamCall[bytes, bytes] = channel.stream_stream(AGGREGATED["delta"])(
            wait_for_ready=True
        )
        try:
            await call.write(bytes(request))
            return isinstance(await call.read(), bytes)
        except (aio.AioRpcError, asyncio.InvalidStateError):
            return False


def _served(served: bool) -> str:
    return "served" if served else "refused"
