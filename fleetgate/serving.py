"""A control plane that serves: fleet, ADS and admin HTTP, put together in one place."""

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from fleet.kubernetes.lease import LeaseSettings
from fleetgate.admin import Admin
from fleetgate.certificates.given import GivenCertificates, GivenFiles
from fleetgate.certificates.made import MadeCertificates, MadeSettings
from fleetgate.certificates.names import by_certificate
from fleetgate.certificates.secret import SecretStore
from fleetgate.control import ControlPlane, ControlSettings
from fleetgate.errors import OperatorError
from fleetgate.fleets import Fleet, HubPlace, Place, open_fleet
from fleetgate.leading import Leading
from fleetgate.metrics import Metrics
from fleetgate.replicas import ReplicaSettings
from xds.cache import SnapshotCache
from xds.server import XdsServer, by_cluster

Certificates: TypeAlias = GivenCertificates | MadeCertificates


@dataclass(frozen=True, slots=True)
class XdsSettings:
    """Where and how xDS is served; a port of 0 takes a free one.

    On loopback it is spoken in clear. Beyond, Envoys show certificates: those that `given` files
    trust, or those that fleetgate makes itself, which needs a hub; then `names` are the DNS names
    and IP addresses of the server beside that of its Service. With `insecure`, whoever reaches
    xDS reads all configuration.
    """

    address: str = "127.0.0.1"
    port: int = 18000
    given: GivenFiles | None = None
    names: tuple[str, ...] = ()
    insecure: bool = False


@dataclass(frozen=True, slots=True)
class HubDuties:
    """What is written on the hub, and the times of its leader's election."""

    write_status: bool = True
    lease: LeaseSettings = field(default_factory=LeaseSettings)
    replicas: ReplicaSettings = field(default_factory=ReplicaSettings)


@dataclass(frozen=True, slots=True)
class ServeSettings:
    """Where the control plane listens; a port of 0 takes a free one.

    `state` is a directory that remembers what was read, None for none.
    """

    control: ControlSettings = field(default_factory=ControlSettings)
    xds: XdsSettings = field(default_factory=XdsSettings)
    duties: HubDuties = field(default_factory=HubDuties)
    state: Path | None = None
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
    place: Place, settings: ServeSettings, admin_of: Callable[[str], str] = lambda _: ""
) -> AsyncIterator[Serving]:
    """Serve a fleet while the block runs. Raises OperatorError, or a group of it.

    xDS opens once everything is published, the admin HTTP before. `admin_of` says where the admin
    pages of a node's Envoy are, "" where that is not known.
    """
    _refuse_open_xds(place, settings.xds)
    async with open_fleet(place, settings.state) as fleet:
        control = ControlPlane(fleet.source, SnapshotCache(), settings.control)
        admin = Admin(control, fleet.file_of, admin_of)
        admin_port = await admin.start(settings.admin_address, settings.admin_port)
        try:
            async with asyncio.TaskGroup() as tasks:
                running = [tasks.create_task(control.run())]
                if leading := _leading(place, settings.duties, fleet, control, admin.metrics):
                    running.append(tasks.create_task(leading.run()))
                # Who asked earlier would be told that its gateway has nothing: an Envoy that comes
                # back after a restart of ours would drop all that it serves.
                await control.started.wait()
                async with _xds(place, settings.xds, fleet, control.cache) as xds_port:
                    admin.open()
                    yield Serving(control, xds_port, admin_port)
                for task in running:
                    task.cancel()
        finally:
            await admin.stop()


def _leading(
    place: Place, duties: HubDuties, fleet: Fleet, control: ControlPlane, metrics: Metrics
) -> Leading | None:
    """What is to be done on the hub, if there is one."""
    if fleet.hub is None or not isinstance(place, HubPlace) or not duties.write_status:
        return None
    leading = Leading(
        fleet.hub,
        place.namespace,
        control,
        lease=duties.lease,
        replicas=duties.replicas,
    )
    metrics.leads = lambda: leading.leading
    return leading


@asynccontextmanager
async def _xds(
    place: Place, settings: XdsSettings, fleet: Fleet, cache: SnapshotCache
) -> AsyncIterator[int]:
    """Serve xDS while the block runs; gives the port."""
    certificates = await _certificates(place, settings, fleet)
    server = XdsServer(cache, group_of=by_certificate() if certificates else by_cluster)
    port = await _start(server, settings, certificates)
    try:
        async with asyncio.TaskGroup() as tasks:
            renewing = tasks.create_task(certificates.run()) if certificates else None
            yield port
            if renewing:
                renewing.cancel()
    finally:
        await server.stop(0.5)


async def _certificates(place: Place, settings: XdsSettings, fleet: Fleet) -> Certificates | None:
    if settings.given:
        return await GivenCertificates.open(settings.given)
    if settings.insecure or _is_loopback(settings.address):
        return None
    assert fleet.hub is not None  # noqa: S101 (else it was refused)
    assert isinstance(place, HubPlace)  # noqa: S101
    service = f"fleetgate.{place.namespace}.svc"
    made = MadeSettings(names=tuple(dict.fromkeys((service, *settings.names))))
    return await MadeCertificates.open(SecretStore(fleet.hub, place.namespace), made)


async def _start(
    server: XdsServer, settings: XdsSettings, certificates: Certificates | None
) -> int:
    address, port = settings.address, settings.port
    host = f"[{address}]" if ":" in address else address
    try:
        # gRPC keeps the reason to itself, and prints a line of its own.
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address, port))
        credentials = certificates.credentials() if certificates else None
        return await server.start(f"{host}:{port}", credentials)
    except OSError as e:
        raise OperatorError(
            f"xDS cannot listen on {host}:{port} ({e.strerror or e}); "
            "is another fleetgate running? Choose another port with --xds-port"
        ) from e


def _refuse_open_xds(place: Place, settings: XdsSettings) -> None:
    """Who could reach it would read everything, unless certificates say who may."""
    protected = settings.insecure or settings.given or isinstance(place, HubPlace)
    if not protected and not _is_loopback(settings.address):
        raise OperatorError(
            f"xDS on {settings.address} would be open to whoever reaches it; give it certificates "
            "with --xds-cert, --xds-key and --xds-client-ca, or say --insecure if the network in "
            "front of it decides who may"
        )


def _is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address).is_loopback
