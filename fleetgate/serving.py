"""A control plane that serves: source, ADS and admin HTTP, put together in one place."""

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from fleet.sources.directory import DirectorySource
from fleet.sources.tree import NoFleetError, Tree
from fleetgate.admin import Admin
from fleetgate.control import ControlPlane, ControlSettings
from fleetgate.errors import OperatorError
from xds.cache import SnapshotCache
from xds.server import XdsServer


@dataclass(frozen=True, slots=True)
class ServeSettings:
    """Where the control plane listens; a port of 0 takes a free one.

    Beyond loopback, xDS asks for `insecure`: whoever reaches it reads all configuration.
    """

    control: ControlSettings = field(default_factory=ControlSettings)
    xds_address: str = "127.0.0.1"
    xds_port: int = 18000
    insecure: bool = False
    admin_address: str = "127.0.0.1"
    admin_port: int = 18001


@dataclass(frozen=True, slots=True)
class Serving:
    """A running control plane, and the ports that it got."""

    control: ControlPlane
    xds_port: int
    admin_port: int


@asynccontextmanager
async def serving(
    root: Path, settings: ServeSettings, admin_of: Callable[[str], str] = lambda _: ""
) -> AsyncIterator[Serving]:
    """Serve a directory fleet while the block runs. Raises OperatorError, or a group of it.

    xDS opens once everything is published, the admin HTTP before. `admin_of` says where the admin
    pages of a node's Envoy are, "" where that is not known.
    """
    _refuse_open_xds(settings)
    try:
        await asyncio.to_thread(Tree(root).check)
    except NoFleetError as e:
        raise OperatorError(str(e)) from e
    source = DirectorySource(root)
    cache = SnapshotCache()
    control = ControlPlane(source, cache, settings.control)
    admin = Admin(control, source.file_of, admin_of)
    server = XdsServer(cache)
    admin_port = await admin.start(settings.admin_address, settings.admin_port)
    try:
        try:
            async with asyncio.TaskGroup() as tasks:
                running = tasks.create_task(control.run())
                # Who asked earlier would be told that its gateway has nothing: an Envoy that comes
                # back after a restart of ours would drop all that it serves.
                await control.started.wait()
                xds_port = await _start(server, settings)
                yield Serving(control, xds_port, admin_port)
                running.cancel()
        finally:
            await server.stop(0.5)
    finally:
        await admin.stop()


async def _start(server: XdsServer, settings: ServeSettings) -> int:
    address, port = settings.xds_address, settings.xds_port
    host = f"[{address}]" if ":" in address else address
    try:
        # gRPC keeps the reason to itself, and prints a line of its own.
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address, port))
        return await server.start(f"{host}:{port}")
    except OSError as e:
        raise OperatorError(
            f"xDS cannot listen on {host}:{port} ({e.strerror or e}); "
            "is another fleetgate running? Choose another port with --xds-port"
        ) from e


def _refuse_open_xds(settings: ServeSettings) -> None:
    loopback = ipaddress.ip_address(settings.xds_address).is_loopback
    if not loopback and not settings.insecure:
        raise OperatorError(
            f"xDS on {settings.xds_address} would be open to whoever reaches it; "
            "say --insecure if the network in front of it decides who may"
        )
