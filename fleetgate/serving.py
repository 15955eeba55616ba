"""The composition of a control plane that serves: fleet, ADS and admin HTTP."""

import asyncio
import errno
import ipaddress
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Final, TypeAlias

import grpc

from fleet.problem import Problem
from fleetgate.certificates.gateway_uris import TRUST_DOMAIN, by_certificate
from fleetgate.certificates.given import GivenCertificates, GivenFiles
from fleetgate.certificates.made import MadeCertificates, MadeSettings
from fleetgate.certificates.sds_files import service_name
from fleetgate.certificates.secret import SecretStore
from fleetgate.core.control import ControlPlane, ControlSettings
from fleetgate.core.on_demand import snapshot_cache
from fleetgate.core.own_envoys import NoEnvoys, OwnEnvoys
from fleetgate.core.ports import why_taken
from fleetgate.core.problems import misshapen
from fleetgate.defaults import ADMIN_PORT, LOOPBACK, XDS_MAX_REQUEST, XDS_PORT
from fleetgate.errors import OperatorError
from fleetgate.fleets import Fleet, HubPlace, HubServer, Place, open_fleet
from fleetgate.http.admin import Admin
from fleetgate.hub.leading import Leading, LeadingSettings
from fleetgate.hub.managed.managed_gateways import ManagedGateways
from fleetgate.hub.managed.settings import IMAGE, LoadBalancerSettings, ManagedSettings
from fleetgate.open_files import raise_limit
from translators.dialects.gateway_settings import ADDRESSES
from xds.cache import SnapshotCache
from xds.listening import UnusableCredentials
from xds.server import ServerSettings, XdsServer, by_cluster

log = logging.getLogger(__name__)

Certificates: TypeAlias = GivenCertificates | MadeCertificates

NAMES_PER_MIB: Final = 12_500
"""Resources that a stream may name for each MiB of a request.

An Envoy that reconnects names each ClusterLoadAssignment twice, once with its version, which takes
about 110 bytes.
"""

_GRACE: Final = 0.5
"""Seconds that streams have to end when the server stops."""

_OUT_OF_REACH: Final = (
    "managed gateways cannot reach xDS on %s, where their Pods find themselves; "
    "--xds-bind names an address that they can reach, such as 0.0.0.0"
)


@dataclass(frozen=True, slots=True)
class XdsSettings:
    """The settings of the xDS server. A port of 0 takes a free one.

    On loopback the server speaks in clear. Beyond loopback Envoys show certificates. The authority
    of these comes from the files of `given`, or fleetgate makes it, which takes a hub. A server
    certificate that fleetgate makes is valid for `service`, the DNS name by which Envoys on the hub
    find it, and for further `names`. An empty `service` means the Service of `deploy/`. With
    `insecure` the server speaks in clear everywhere, and every client reads all configuration.
    `max_request` is in MiB, and also bounds the resources that a stream may name.
    """

    address: str = LOOPBACK
    port: int = XDS_PORT
    given: GivenFiles | None = None
    service: str = ""
    names: tuple[str, ...] = ()
    trust_domain: str = TRUST_DOMAIN
    insecure: bool = False
    max_request: int = XDS_MAX_REQUEST

    def bounds(self, open_files: int) -> ServerSettings:
        """Return the bounds of clients, in a process that may have `open_files` files open."""
        return ServerSettings(
            largest_request=self.max_request << 20,
            most_names=self.max_request * NAMES_PER_MIB,
            # The other half of the files is for API servers, the admin HTTP and Envoys' logs.
            most_connections=min(ServerSettings().most_connections, open_files // 2),
        )

    @property
    def in_clear(self) -> bool:
        """Whether the server speaks without TLS."""
        return self.given is None and (self.insecure or _is_loopback(self.address))


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """The settings of the Envoys of managed gateways."""

    image: str = IMAGE
    load_balancer: LoadBalancerSettings = field(default_factory=LoadBalancerSettings)


@dataclass(frozen=True, slots=True)
class HubDuties:
    """The writing to the hub: statuses and events, and managed gateways unless `gateways` is None.

    `leading` has the times of the leader's election.
    """

    write_status: bool = True
    gateways: GatewaySettings | None = None
    leading: LeadingSettings = field(default_factory=LeadingSettings)


@dataclass(frozen=True, slots=True)
class ServeSettings:
    """The settings of a control plane that serves. A port of 0 takes a free one.

    The objects that were read are kept in the directory `state`, unless it is None.
    """

    control: ControlSettings = field(default_factory=ControlSettings)
    xds: XdsSettings = field(default_factory=XdsSettings)
    duties: HubDuties = field(default_factory=HubDuties)
    state: Path | None = None
    admin_address: str = LOOPBACK
    admin_port: int = ADMIN_PORT


@dataclass(frozen=True, slots=True)
class Serving:
    """A running control plane, its ports, and the Envoys that it runs itself."""

    control: ControlPlane
    xds_port: int
    admin_port: int
    envoys: OwnEnvoys


@asynccontextmanager
async def serving(
    place: Place, settings: ServeSettings, envoys: OwnEnvoys | None = None
) -> AsyncIterator[Serving]:
    """Serve a fleet while the block runs. Raises OperatorError, or an exception group with one.

    The admin HTTP opens first. xDS opens once everything is published. `envoys` are the Envoys that
    run on this machine.
    """
    own = envoys or NoEnvoys()
    _refuse_open_xds(place, settings.xds)
    _refuse_one_port_for_both(settings)
    if isinstance(place, HubPlace):
        settings = replace(settings, control=replace(settings.control, elsewhere=True))
    patience = timedelta(seconds=settings.control.start_deadline)
    async with open_fleet(
        place, settings.control.dialects.kinds, settings.state, patience
    ) as fleet:
        control = ControlPlane(fleet.source, snapshot_cache(), settings.control)
        admin = Admin(control, fleet.file_of, own)
        _require_free("the admin HTTP", "admin", settings.admin_address, settings.admin_port)
        admin_port = await admin.start(settings.admin_address, settings.admin_port)
        try:
            async with asyncio.TaskGroup() as tasks:
                admin.metrics.loads = fleet.loads
                running = [tasks.create_task(control.run())]
                certificates = await _certificates(fleet, settings.xds)
                if certificates:
                    admin.metrics.expires = lambda: certificates.shown.expires
                    running.append(tasks.create_task(certificates.run()))
                if fleet.hub and isinstance(place, HubPlace) and settings.duties.write_status:
                    leading = _leading(fleet.hub, place, settings, control, certificates)
                    admin.metrics.leads = lambda: leading.leading
                    admin.metrics.writing = lambda: leading.figures
                    admin.replica = lambda: leading.replica
                    running.append(tasks.create_task(leading.run()))
                    if not settings.duties.gateways:
                        control.finds_problems(lambda: _unlocated(control))
                # An Envoy that reconnects before would be told that its gateway has no resources,
                # and would drop those that it serves.
                await control.started.wait()
                async with _xds(settings.xds, control.cache, certificates) as xds_port:
                    admin.open()
                    yield Serving(control, xds_port, admin_port, own)
                for task in running:
                    task.cancel()
        finally:
            await admin.stop()


def _leading(
    hub: HubServer,
    place: HubPlace,
    settings: ServeSettings,
    control: ControlPlane,
    certificates: Certificates | None,
) -> Leading:
    """Make the task that writes to the hub."""
    duties = settings.duties
    managed = None
    if duties.gateways:
        how = _managed(hub, settings, duties.gateways)
        if _is_loopback(settings.xds.address):
            log.warning(_OUT_OF_REACH, settings.xds.address)
        makes = certificates if isinstance(certificates, MadeCertificates) else None
        managed = ManagedGateways(hub.api, how, makes)
        control.finds_problems(lambda: misshapen(control.state, control.dialects, how.bind))
        control.finds_problems(lambda: managed.problems)
        control.finds_refusals(lambda: managed.refusals)
        if makes:
            makes.on_change(managed.certificates_changed)
    agreed = _agreed(place, settings)
    return Leading(hub.api, hub.namespace, control, managed, duties.leading, agreed)


def _agreed(place: HubPlace, settings: ServeSettings) -> dict[str, str]:
    """Return the values of the options that change what is written to the hub, by their names."""
    control, gateways = settings.control, settings.duties.gateways
    agreed = {
        "--bind": control.bind,
        "--port-offset": str(control.port_offset),
        "--member": ", ".join(sorted(member for member, _ in place.members)),
        "--member-namespace": ", ".join(sorted(place.trusted)),
        "--trust-domain": settings.xds.trust_domain,
        "--manage-gateways": "yes" if gateways else "no",
        "up": "yes" if control.one_host else "no",
    }
    if gateways:
        balancer = gateways.load_balancer
        agreed |= {
            "--gateway-image": gateways.image,
            "--public-annotation": _listed(balancer.public_annotations),
            "--internal-annotation": _listed(balancer.internal_annotations),
            "--load-balancer-class": balancer.load_balancer_class,
            "--xds-service": settings.xds.service,
            "--xds-port": str(settings.xds.port),
            "--insecure": "yes" if settings.xds.in_clear else "no",
        }
    return agreed


def _listed(annotations: Mapping[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted(annotations.items()))


def _managed(hub: HubServer, settings: ServeSettings, gateways: GatewaySettings) -> ManagedSettings:
    service = _service(hub, settings.xds)
    return ManagedSettings(
        namespace=hub.namespace,
        dialects=settings.control.dialects,
        image=gateways.image,
        bind=settings.control.bind_at(settings.control.bind),
        xds_address=service,
        xds_port=settings.xds.port,
        xds_server_name="" if settings.xds.in_clear else service,
        load_balancer=gateways.load_balancer,
    )


def _unlocated(control: ControlPlane) -> Iterator[Problem]:
    """Yield a problem for each gateway without an address, where fleetgate does not run Envoys."""
    for ref, status in control.translator.tables.statuses.of_gateways.rows.items():
        if not status.addresses:
            expected = "the addresses under which clients reach its Envoys"
            effect = "its Ingresses show none, and Argo CD calls them Progressing for ever"
            yield Problem(ref, "NoAddress", ADDRESSES, "", expected, effect)


@asynccontextmanager
async def _xds(
    settings: XdsSettings, cache: SnapshotCache, certificates: Certificates | None
) -> AsyncIterator[int]:
    """Serve xDS while the block runs, and yield the port."""
    group_of = by_certificate(settings.trust_domain) if certificates else by_cluster
    server = XdsServer(cache, settings.bounds(raise_limit()), group_of)
    try:
        if certificates is None:
            yield await _start(server, settings, None)
            return
        shown = certificates.shown
        served = shown.credential
        port = await _start(server, settings, shown.tls)
        async with asyncio.TaskGroup() as tasks:
            following = tasks.create_task(shown.follow(server, served))
            yield port
            following.cancel()
    finally:
        await server.stop(_GRACE)


async def _certificates(fleet: Fleet, settings: XdsSettings) -> Certificates | None:
    if settings.given:
        return await GivenCertificates.open(settings.given)
    if settings.in_clear or fleet.hub is None:
        return None
    names = tuple(dict.fromkeys((_service(fleet.hub, settings), *settings.names)))
    made = MadeSettings(names=names, trust_domain=settings.trust_domain)
    return await MadeCertificates.open(SecretStore(fleet.hub.api, fleet.hub.namespace), made)


def _service(hub: HubServer, settings: XdsSettings) -> str:
    """Return the DNS name of fleetgate's Service."""
    return settings.service or service_name(hub.namespace)


async def _start(
    server: XdsServer, settings: XdsSettings, tls: grpc.ServerCredentials | None
) -> int:
    address, port = settings.address, settings.port
    host = f"[{address}]" if ":" in address else address
    _require_free("xDS", "xds", address, port)
    try:
        return await server.start(f"{host}:{port}", tls)
    except UnusableCredentials as e:
        raise OperatorError(str(e)) from e
    except OSError as e:
        raise _cannot_listen("xDS", "xds", address, port, e) from e


def _require_free(what: str, option: str, address: str, port: int) -> None:
    """Raise OperatorError with the reason where this process cannot listen."""
    if error := why_taken(address, port):
        raise _cannot_listen(what, option, address, port, error) from error


def _cannot_listen(
    what: str, option: str, address: str, port: int, error: OSError
) -> OperatorError:
    host = f"[{address}]" if ":" in address else address
    hint = (
        f"name an address of this machine with --{option}-bind"
        if error.errno == errno.EADDRNOTAVAIL
        else f"is another fleetgate running? Choose another port with --{option}-port"
    )
    return OperatorError(
        f"{what} cannot listen on {host}:{port} ({error.strerror or error}); {hint}"
    )


def _refuse_open_xds(place: Place, settings: XdsSettings) -> None:
    """Raise OperatorError where xDS would be served in clear beyond loopback, unasked."""
    protected = settings.insecure or settings.given or isinstance(place, HubPlace)
    if not protected and not _is_loopback(settings.address):
        raise OperatorError(
            f"xDS on {settings.address} would be open to whoever reaches it; give it certificates "
            "with --xds-cert, --xds-key and --xds-client-ca, or say --insecure if the network in "
            "front of it decides who may"
        )


def _refuse_one_port_for_both(settings: ServeSettings) -> None:
    """Raise OperatorError where xDS and the admin HTTP would share an address and a port."""
    port = settings.admin_port
    xds, admin = map(ipaddress.ip_address, (settings.xds.address, settings.admin_address))
    overlap = xds == admin or (
        xds.version == admin.version and (xds.is_unspecified or admin.is_unspecified)
    )
    if overlap and port and port == settings.xds.port:
        raise OperatorError(
            f"xDS and the admin HTTP cannot both listen on port {port}; choose another one for one "
            "of them with --xds-port or --admin-port"
        )


def _is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address).is_loopback
